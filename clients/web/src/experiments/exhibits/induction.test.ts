import { expect, test } from 'vitest'

import { inductionWeight } from './induction'

const weights = [
  [1, 0, 0, 0],
  [0.5, 0.5, 0, 0],
  [0.2, 0.7, 0.1, 0],
  [0.1, 0.2, 0.4, 0.3],
]

test('the weight behind the last occurrence is averaged over tokens that recur', () => {
  // Token 5 recurs at position 2, with position 1 as its target; token 6 at 3, with target 2.
  expect(inductionWeight([5, 6, 5, 6], weights)).toBeCloseTo((0.7 + 0.4) / 2)
})

test('of two occurrences the last one counts', () => {
  expect(inductionWeight([5, 5, 6, 5], weights)).toBeCloseTo((0.5 + 0.4) / 2)
})

test('without a token that recurs it is 0', () => {
  expect(inductionWeight([1, 2, 3, 4], weights)).toBe(0)
})
