/**
 * A dense network as a row of sizes, the input first, and operations on it. No function changes a
 * row in place; an impossible operation returns the row unchanged.
 */
export type Sizes = readonly number[]

export const MOST_LAYERS = 9
export const MOST_UNITS = 100_000

/** Up to this size a drag step is one unit; above it, a step is 10 %. */
const COUNTED = 16
const FACTOR = 1.1

const within = (units: number) => Math.min(Math.max(Math.round(units) || 1, 1), MOST_UNITS)

/** A valid row from a link, which can contain anything. */
export function cleaned(sizes: Sizes): Sizes {
  return sizes.slice(0, MOST_LAYERS).map(within)
}

const rung = (units: number) =>
  units <= COUNTED ? units : COUNTED + Math.log(units / COUNTED) / Math.log(FACTOR)

/** The number of units after `steps` of a drag or an arrow key. It always changes. */
export function grown(units: number, steps: number): number {
  if (steps === 0) return units
  const at = rung(units) + steps
  const next = within(at <= COUNTED ? at : COUNTED * FACTOR ** (at - COUNTED))
  if (next !== units) return next
  return within(units + Math.sign(steps))
}

export function resized(sizes: Sizes, layer: number, units: number): Sizes {
  return sizes.with(layer, within(units))
}

/** Add a hidden layer that is as large as the hidden layer beside it. */
export function added(sizes: Sizes, after: number): Sizes {
  if (sizes.length >= MOST_LAYERS) return sizes
  const place = Math.min(Math.max(after, 0), sizes.length - 2)
  const hidden = place > 0 ? sizes[place]! : (sizes[place + 1] ?? 4)
  return [...sizes.slice(0, place + 1), hidden, ...sizes.slice(place + 1)]
}

export function isHidden(sizes: Sizes, layer: number): boolean {
  return layer > 0 && layer < sizes.length - 1
}

export function removed(sizes: Sizes, layer: number): Sizes {
  return isHidden(sizes, layer) ? sizes.filter((_, i) => i !== layer) : sizes
}

/** Move a hidden layer among the hidden layers. */
export function moved(sizes: Sizes, layer: number, by: number): Sizes {
  const to = layer + by
  if (!isHidden(sizes, layer) || !isHidden(sizes, to)) return sizes
  const row = [...sizes]
  row.splice(to, 0, ...row.splice(layer, 1))
  return row
}

export function nameOf(sizes: Sizes, layer: number): string {
  if (layer === 0) return 'Input'
  if (layer === sizes.length - 1) return 'Output'
  return sizes.length === 3 ? 'Hidden' : `Hidden ${layer}`
}

/** The units to draw, and whether some in the middle are left out. */
export function shown(units: number, most: number): { units: number[]; gap: boolean } {
  if (units <= most) return { units: [...Array(units).keys()], gap: false }
  return { units: [...Array(most - 2).keys(), units - 1], gap: true }
}
