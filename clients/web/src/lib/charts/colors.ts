/** Colors of the style sheet as numbers, for canvases. */

type Rgb = readonly [number, number, number]

// Cache colors, because reading a style costs more than painting a small image.
const known = new Map<string, Rgb>()
const ramps = new Map<string, Uint8ClampedArray>()

let system: MediaQueryList | undefined
const themed = (element: Element, name: string) => {
  system ??= matchMedia('(prefers-color-scheme: dark)')
  // Elements of one page can have different colors.
  const { host } = element.getRootNode() as Partial<ShadowRoot>
  const theme = host ? getComputedStyle(host).color : document.documentElement.dataset.theme
  return `${theme} ${system.matches} ${name}`
}

/** RGB values of a CSS color such as `var(--positive)` or `#123` in the current theme. */
export function resolve(element: Element, color: string): Rgb {
  const key = themed(element, color)
  let cached = known.get(key)
  if (!cached) known.set(key, (cached = measure(element, color)))
  return cached
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

/** 256 colors from lowest to highest, as bytes: `lookup[3 * i + channel]`; also through given stops. */
export function ramp(element: Element, kind: Ramp | readonly string[]): Uint8ClampedArray {
  const key = themed(element, String(kind))
  let cached = ramps.get(key)
  if (!cached)
    ramps.set(key, (cached = mix(element, typeof kind === 'string' ? STOPS[kind] : kind)))
  return cached
}

function mix(element: Element, colors: readonly string[]): Uint8ClampedArray {
  const stops = colors.map((color) => resolve(element, color))
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

/** CSS color of a signed value; its strength grows with the absolute value, up to `largest`. */
export function signed(value: number, largest: number): string {
  if (!Number.isFinite(value)) return 'var(--warn)'
  const share = Math.min(Math.abs(value) / (largest || 1), 1)
  return `color-mix(in oklab, var(--${value < 0 ? 'negative' : 'positive'}) ${(100 * share).toFixed(1)}%, var(--neutral))`
}

/** Readable text color on `signed(value, largest)`, in light and dark themes. */
export function inkOnSigned(value: number, largest: number, dark: boolean): string {
  const share = Math.min(Math.abs(value) / (largest || 1), 1)
  const strong = dark ? share > 0.66 : value > 0 && share > 0.85
  return strong ? 'var(--surface)' : 'var(--ink)'
}

/** Color `i` of the palette, counted from 0; repeats after seven. */
export function seriesColor(i: number): string {
  return `var(--series-${(i % 7) + 1})`
}
