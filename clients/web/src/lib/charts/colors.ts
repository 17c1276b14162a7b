/** The palette of the style sheet as numbers, for canvases. */

type Rgb = readonly [number, number, number]

// To read a style costs more than to paint a small picture, and there may be hundreds of these.
const known = new Map<string, Rgb>()
const ramps = new Map<string, Uint8ClampedArray>()

let system: MediaQueryList | undefined
const themed = (name: string) => {
  system ??= matchMedia('(prefers-color-scheme: dark)')
  return `${document.documentElement.dataset.theme} ${system.matches} ${name}`
}

/** A CSS color such as `var(--positive)` or `#123`, as it is under the page's theme. */
export function resolve(element: Element, color: string): Rgb {
  const key = themed(color)
  let found = known.get(key)
  if (!found) known.set(key, (found = measure(element, color)))
  return found
}

function measure(element: Element, color: string): Rgb {
  const probe = document.createElement('span')
  probe.style.color = color
  element.append(probe)
  const parts = getComputedStyle(probe).color.match(/[\d.]+/g) ?? ['0', '0', '0']
  probe.remove()
  const [r, g, b] = parts.map(Number)
  return [r ?? 0, g ?? 0, b ?? 0]
}

export type Ramp = 'diverging' | 'sequential'

const STOPS: Record<Ramp, readonly string[]> = {
  diverging: ['var(--negative)', 'var(--neutral)', 'var(--positive)'],
  sequential: ['var(--low)', 'var(--series-1)', 'var(--high)'],
}

/** 256 colors from the least to the most, as bytes: `lookup[3 * i + channel]`. */
export function ramp(element: Element, kind: Ramp): Uint8ClampedArray {
  const key = themed(kind)
  let found = ramps.get(key)
  if (!found) ramps.set(key, (found = mix(element, kind)))
  return found
}

function mix(element: Element, kind: Ramp): Uint8ClampedArray {
  const stops = STOPS[kind].map((color) => resolve(element, color))
  const lookup = new Uint8ClampedArray(256 * 3)
  for (let i = 0; i < 256; i++) {
    const place = (i / 255) * (stops.length - 1)
    const at = Math.min(Math.floor(place), stops.length - 2)
    for (let channel = 0; channel < 3; channel++) {
      const from = stops[at]![channel]!
      lookup[3 * i + channel] = from + (place - at) * (stops[at + 1]![channel]! - from)
    }
  }
  return lookup
}

/** The CSS color of a signed value, the stronger the farther from 0 (`largest` is full strength). */
export function signed(value: number, largest: number): string {
  if (!Number.isFinite(value)) return 'var(--warn)'
  const share = Math.min(Math.abs(value) / (largest || 1), 1)
  return `color-mix(in oklab, var(--${value < 0 ? 'negative' : 'positive'}) ${(100 * share).toFixed(1)}%, var(--neutral))`
}

/** Ink that can be read on `signed(value, largest)`: blue is the darker of the two by day, both are light at night. */
export function inkOnSigned(value: number, largest: number, dark: boolean): string {
  const share = Math.min(Math.abs(value) / (largest || 1), 1)
  const strong = dark ? share > 0.66 : value > 0 && share > 0.85
  return strong ? 'var(--surface)' : 'var(--ink)'
}

/** The palette's color number `i`, from 0; it goes round after seven. */
export function seriesColor(i: number): string {
  return `var(--series-${(i % 7) + 1})`
}
