import { expect, test } from 'vitest'

import { at, branch, reversed, taper, way, type Curve } from './taper'

const straight: Curve = [
  [0, 0],
  [10, 0],
  [20, 0],
  [30, 0],
]

test('a straight branch is a trapezoid with a round end', () => {
  expect(taper(straight, 8, 2, 1)).toBe('M0.0 4.0L30.0 1.0A1 1 0 0 0 30.0 -1.0L0.0 -4.0Z')
})

test('a curve starts and ends at its given points', () => {
  const curve = branch([0, 0], [12, 5], [0, 1])
  expect(at(curve, 0)).toEqual([0, 0])
  expect(at(curve, 1)).toEqual([12, 5])
})

test('a branch leaves in the direction of its lead', () => {
  const [x, y] = at(branch([0, 0], [10, 0], [0, 3]), 0.01)
  expect(y).toBeGreaterThan(5 * Math.abs(x))
})

test('a path follows a curve in both directions', () => {
  expect(way(straight, reversed(straight))).toBe('M0 0C10 0 20 0 30 0C20 0 10 0 0 0')
})
