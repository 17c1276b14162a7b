/** Metrics by epoch from a stream: each metric is a curve that grows at its end. */
import { toNumber, type WireNumber } from '../lib/api/numbers'

export interface Curve {
  x: readonly number[]
  y: readonly number[]
}
export type Curves = Readonly<Record<string, Curve>>

/** `curve` extended by the epochs after its last one. */
export function extend(
  curve: Curve | undefined,
  epochs: readonly number[],
  values: readonly WireNumber[],
): Curve {
  const last = curve?.x.at(-1) ?? -Infinity
  const first = epochs.findIndex((epoch) => epoch > last)
  if (first < 0) return curve ?? { x: [], y: [] }
  return {
    x: [...(curve?.x ?? []), ...epochs.slice(first)],
    y: [...(curve?.y ?? []), ...values.slice(first).map(toNumber)],
  }
}

export interface SeriesOfApi {
  metric: string
  epochs: readonly number[]
  values: readonly WireNumber[]
}

export function curvesOf(series: readonly SeriesOfApi[]): Curves {
  return Object.fromEntries(
    series.map((line) => [line.metric, extend(undefined, line.epochs, line.values)]),
  )
}

/** Add to `whole`, a reply of the service, the epochs that `live` received since the request. */
export function rejoin(whole: Curves, live: Curves): Curves {
  const all = { ...whole }
  for (const [metric, curve] of Object.entries(live))
    all[metric] = extend(all[metric], curve.x, curve.y)
  return all
}

/** The points of `curves` up to `epoch`. */
export function upTo(curves: Curves, epoch: number): Curves {
  return Object.fromEntries(
    Object.entries(curves).map(([metric, { x, y }]) => {
      const count = x[0]! <= epoch ? lastUpTo(x, epoch) + 1 : 0
      return [metric, { x: x.slice(0, count), y: y.slice(0, count) }]
    }),
  )
}

/**
 * Indices of the sorted `epochs`, in at most `most` groups: those of buckets that end at multiples of
 * a power of two, so that a group stays as it is while the run grows.
 */
export function bucketed(epochs: readonly number[], most: number): number[][] {
  let width = 1
  while (Math.ceil((epochs.at(-1) ?? 0) / width) > most) width *= 2
  const groups: number[][] = []
  let last: number | undefined
  epochs.forEach((epoch, i) => {
    const bucket = Math.ceil(epoch / width)
    if (bucket === last) groups.at(-1)!.push(i)
    else groups.push([i])
    last = bucket
  })
  return groups
}

/** At most `most` of the sorted `items`, evenly spaced, including both ends. */
export function spread<T>(items: readonly T[], most: number): T[] {
  if (items.length <= most) return [...items]
  return Array.from(
    { length: most },
    (_, i) => items[Math.round((i * (items.length - 1)) / (most - 1))]!,
  )
}

/** Index of the last of the sorted `epochs` up to `epoch`; 0 if all are later. */
export function lastUpTo(epochs: readonly number[], epoch: number): number {
  let count = 0
  for (let i = 0; i < epochs.length && epochs[i]! <= epoch; i++) count = i
  return count
}

/** The lowest and the highest value; twice the first one that is not finite, if there is one. */
export function rangeOf(values: readonly number[]): [number, number] {
  const odd = values.find((value) => !Number.isFinite(value))
  return odd === undefined ? [Math.min(...values), Math.max(...values)] : [odd, odd]
}

/** The value halfway between two. */
export const middle = ([low, high]: readonly [number, number]): number =>
  low === high ? low : low / 2 + high / 2
