import { expect, test } from 'vitest'

import { apart } from './spread'

test('what has room stays where it is', () => {
  expect(apart([0, 30, 90], 10, 0, 100)).toEqual([0, 30, 90])
})

test('two that would touch part by the same amount to both sides', () => {
  expect(apart([50, 52], 10, 0, 100)).toEqual([46, 56])
})

test('at the end of the line they go inwards', () => {
  expect(apart([96, 98, 100], 10, 0, 100)).toEqual([80, 90, 100])
  expect(apart([0, 1], 10, 0, 100)).toEqual([0, 10])
})

test('a block that grows takes in those it meets, in their order', () => {
  const placed = apart([0, 40, 44, 46, 55, 100], 10, 0, 100)
  placed.slice(1).forEach((at, i) => expect(at - placed[i]!).toBeGreaterThanOrEqual(10 - 1e-9))
  expect(placed[0]).toBe(0)
  expect(placed[5]).toBe(100)
})

test('a line too short for all gets them as far apart as it can', () => {
  expect(apart([5, 5, 5], 50, 0, 10)).toEqual([0, 5, 10])
})
