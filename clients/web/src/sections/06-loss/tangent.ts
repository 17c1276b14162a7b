/** The visible piece of a tangent: it has the same length on the screen for any slope. */
type Place = (value: number) => number

export interface Piece {
  x1: number
  y1: number
  x2: number
  y2: number
}

/** A piece of `half` px to both sides of the point; undefined if a number is not finite. */
export function tangent(
  x: Place,
  y: Place,
  at: number,
  value: number,
  slope: number,
  half = 110,
): Piece | undefined {
  const right = x(at + 1) - x(at)
  const down = slope * (y(value + 1) - y(value))
  const length = Math.hypot(right, down)
  const px = x(at)
  const py = y(value)
  if (![px, py, length].every(Number.isFinite) || length === 0) return undefined
  const dx = (half * right) / length
  const dy = (half * down) / length
  return { x1: px - dx, y1: py - dy, x2: px + dx, y2: py + dy }
}
