import { expect, it } from 'vitest'

import { nearestRate, touching } from './sweep'

it('two bands meet at the geometric mean', () => {
  const bands = [
    { label: 'slow' as const, lowest: 0.01, highest: 0.1, rates: 2 },
    { label: 'good' as const, lowest: 0.4, highest: 1, rates: 2 },
  ]
  expect(touching(bands)).toEqual([
    { label: 'slow', from: 0.01, to: 0.2 },
    { label: 'good', from: 0.2, to: 1 },
  ])
})

it('the nearest rate is the one with the smallest ratio', () => {
  expect(nearestRate([0.01, 0.1, 1], 0.031)).toBe(0)
  expect(nearestRate([0.01, 0.1, 1], 0.033)).toBe(1)
  expect(nearestRate([0.01, 0.1, 1], 50)).toBe(2)
})
