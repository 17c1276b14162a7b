import { expect, it } from 'vitest'

import { cosine, neighbors, softmax } from './similar'

it('the cosine is 1 for the same direction and 0 for a right angle', () => {
  expect(cosine([1, 2], [2, 4])).toBeCloseTo(1)
  expect(cosine([1, 0], [0, 3])).toBe(0)
  expect(cosine([0, 0], [0, 3])).toBe(0)
})

it('neighbors are the other rows, the most similar first', () => {
  const rows = [
    [1, 0],
    [0, 1],
    [1, 1],
  ]
  expect(neighbors(rows, 0, 2).map(({ row }) => row)).toEqual([2, 1])
})

it('a temperature of 2 divides logits by two, and 0 takes the largest', () => {
  const [a, b] = softmax([Math.log(9), 0], 2)
  expect(a! / b!).toBeCloseTo(3)
  expect(softmax([1, 3, 2], 0)).toEqual([0, 1, 0])
  expect(softmax([1000, 1000])).toEqual([0.5, 0.5])
})
