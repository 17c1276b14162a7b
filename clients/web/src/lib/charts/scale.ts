/** Axes: positions of values, and ticks. */
import { scaleLinear, scaleLog } from 'd3-scale'

import { format, powerOfTen } from '../api/numbers'

export type Kind = 'linear' | 'log'
export type Domain = readonly [number, number]

export interface Scale {
  (value: number): number
  invert(position: number): number
  ticks: number[]
  domain: Domain
}

/** Positions are NaN for values that the axis cannot show, such as 0 on a logarithmic axis. */
export function scale(kind: Kind, domain: Domain, range: Domain, ticks = 6): Scale {
  const inner = kind === 'log' ? scaleLog(domain, range) : scaleLinear(domain, range)
  const place = (value: number) =>
    Number.isFinite(value) && (kind === 'linear' || value > 0) ? inner(value) : NaN
  let marks = inner.ticks(ticks)
  if (kind === 'log') {
    const digit = (mark: number) => Math.round(mark / 10 ** Math.floor(Math.log10(mark) + 1e-9))
    const powers = marks.filter((mark) => digit(mark) === 1)
    marks = powers.length > 2 ? powers : marks.filter((mark) => [1, 2, 5].includes(digit(mark)))
    const every = Math.ceil(marks.length / ticks)
    marks = marks.filter((_, i) => i % every === 0)
    // A range of less than a power of ten may contain no round number; then use any tick.
    if (marks.length < 2)
      marks = scaleLinear(domain, range)
        .ticks(Math.min(ticks, 4))
        .filter((mark) => mark > 0)
  }
  return Object.assign(place, { invert: (at: number) => inner.invert(at), ticks: marks, domain })
}

/** Width of a character of a tick label, and the smallest gap between two labels. In pixels. */
const CHARACTER = 7.2
const GAP = 8

/** A horizontal axis, with fewer ticks where their labels would overlap. */
export function horizontal(kind: Kind, domain: Domain, range: Domain, ticks: number): Scale {
  for (let count = ticks; ; count--) {
    const axis = scale(kind, domain, range, count)
    if (count <= 2 || !overlap(kind, axis)) return axis
  }
}

function overlap(kind: Kind, axis: Scale): boolean {
  const half = axis.ticks.map((tick) => (tickLabel(kind, tick).length * CHARACTER) / 2)
  return axis.ticks.some(
    (tick, i) => i > 0 && axis(tick) - axis(axis.ticks[i - 1]!) < half[i]! + half[i - 1]! + GAP,
  )
}

/** Below it, a margin would round to 0, which a logarithmic axis does not have. */
const SMALLEST = 1e-300

/** Range of the finite values with a margin; only positive ones on a logarithmic axis. */
export function extent(kind: Kind, values: Iterable<number>, air = 0.05): Domain {
  let low = Infinity
  let high = -Infinity
  for (const value of values) {
    if (!Number.isFinite(value) || (kind === 'log' && value < SMALLEST)) continue
    if (value < low) low = value
    if (value > high) high = value
  }
  if (low > high) return kind === 'log' ? [0.1, 1] : [0, 1]
  if (kind === 'log') {
    const pad = (high / low) ** air
    return low === high ? [low / 2, high * 2] : [low / pad, high * pad]
  }
  const pad = low === high ? Math.abs(low) * 0.1 || 1 : (high - low) * air
  return [low - pad, high + pad]
}

export function tickLabel(kind: Kind, value: number): string {
  // Use one notation for all ticks, not 5×10⁻⁵ beside 0.0001.
  if (kind === 'linear' && Math.abs(value) >= 1e-6 && Math.abs(value) < 1e-4)
    return String(Number(value.toPrecision(4))).replace('-', '−')
  if (kind === 'linear' && Math.abs(value) >= 1e6 && Math.abs(value) < 1e9)
    return value.toLocaleString('en-US').replace('-', '−')
  if (kind === 'linear' || (value >= 0.01 && value < 10_000)) return format(value)
  const power = Math.round(Math.log10(value))
  if (Math.abs(value / 10 ** power - 1) > 1e-6) return format(value, 2)
  return powerOfTen(power)
}

/** Index of the element of the sorted `xs` nearest to `x`. */
export function nearest(xs: readonly number[], x: number): number {
  let low = 0
  let high = xs.length - 1
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (xs[middle]! <= x) low = middle
    else high = middle
  }
  return Math.abs((xs[high] ?? NaN) - x) < Math.abs((xs[low] ?? NaN) - x) ? high : low
}

/**
 * The points of a line that look different: of those in a column of pixels the lowest and the
 * highest, and all gaps.
 */
export function distinct(
  positions: readonly number[],
  values: readonly number[],
  isShown: (value: number | undefined) => boolean,
): number[] {
  const chosen: number[] = []
  let [low, high, column] = [0, 0, NaN]
  const put = () => chosen.push(...new Set([Math.min(low, high), Math.max(low, high)]))
  positions.forEach((place, i) => {
    const value = values[i]!
    if (Math.floor(place) !== column || !isShown(value)) {
      if (i) put()
      low = high = i
      column = isShown(value) ? Math.floor(place) : NaN
    } else if (value < values[low]!) low = i
    else if (value > values[high]!) high = i
  })
  if (positions.length) put()
  return chosen
}

/** Positions at least `gap` apart between two ends, in the same order, near the preferred ones. */
export function spread(preferred: readonly number[], gap: number, [low, high]: Domain): number[] {
  const order = preferred.map((_, i) => i).sort((a, b) => preferred[a]! - preferred[b]!)
  const positions = [...preferred]
  let least = low
  for (const i of order) {
    positions[i] = Math.max(positions[i]!, least)
    least = positions[i] + gap
  }
  let most = high
  for (const i of order.reverse()) {
    positions[i] = Math.min(positions[i]!, most)
    most = positions[i] - gap
  }
  return positions
}
