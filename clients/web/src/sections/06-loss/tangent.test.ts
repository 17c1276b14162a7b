import { expect, it } from 'vitest'

import { tangent } from './tangent'

const x = (value: number) => 10 + 100 * value
const y = (value: number) => 200 - 50 * value

it('lies on the point and has the slope', () => {
  const flat = tangent(x, y, 1, 2, 0)
  expect(flat).toEqual({ x1: 0, y1: 100, x2: 220, y2: 100 })
  const down = tangent(x, y, 1, 2, -2)!
  // A slope of -2 falls by 100 px where it goes 100 px to the right.
  expect((down.y2 - down.y1) / (down.x2 - down.x1)).toBeCloseTo(1)
})

it('has the same length for any slope', () => {
  for (const slope of [0, 1, -30, 1e12]) {
    const { x1, y1, x2, y2 } = tangent(x, y, 0.5, 1, slope)!
    expect(Math.hypot(x2 - x1, y2 - y1)).toBeCloseTo(220)
  }
})

it('is not drawn for values that are not finite', () => {
  expect(tangent(x, y, 0.5, Infinity, 1)).toBeUndefined()
  expect(tangent(x, y, 0.5, 1, NaN)).toBeUndefined()
})
