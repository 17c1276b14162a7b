import { expect, test } from 'vitest'

import { apart } from './spread'

test('positions with enough space stay unchanged', () => {
  expect(apart([0, 30, 90], 10, 0, 100)).toEqual([0, 30, 90])
})

test('two close positions move apart by the same amount', () => {
  expect(apart([50, 52], 10, 0, 100)).toEqual([46, 56])
})

test('positions at the end of the line move inwards', () => {
  expect(apart([96, 98, 100], 10, 0, 100)).toEqual([80, 90, 100])
  expect(apart([0, 1], 10, 0, 100)).toEqual([0, 10])
})

test('a growing block absorbs its neighbors in order', () => {
  const placed = apart([0, 40, 44, 46, 55, 100], 10, 0, 100)
  placed.slice(1).forEach((at, i) => expect(at - placed[i]!).toBeGreaterThanOrEqual(10 - 1e-9))
  expect(placed[0]).toBe(0)
  expect(placed[5]).toBe(100)
})

test('a short line spreads positions evenly', () => {
  expect(apart([5, 5, 5], 50, 0, 10)).toEqual([0, 5, 10])
})
