import { describe, expect, it } from 'vitest'

import type { Schemas } from '@epochal/client'
import { bestOf, ratesBetween } from './rates'

describe('learning rates to try', () => {
  it('are evenly spaced on a logarithmic scale', () => {
    expect(ratesBetween(0.001, 10, 5)).toEqual([0.001, 0.01, 0.1, 1, 10])
    expect(ratesBetween(0.0001, 0.001, 3)).toEqual([0.0001, 0.00032, 0.001])
  })

  it('are empty for an invalid range', () => {
    expect(ratesBetween(0, 1, 5)).toEqual([])
    expect(ratesBetween(0.1, 1, 1)).toEqual([])
    expect(ratesBetween(0.1, 0.1, 4)).toEqual([0.1])
  })
})

it('the best member has the lowest final loss and did not diverge', () => {
  const member = (name: string, train_loss: number | 'NaN') =>
    ({ label: { name }, latest: { train_loss } }) as Schemas['Member']
  expect(
    bestOf([
      member('slow', 0.5),
      member('good', 0.1),
      member('diverged', 0.01),
      member('good', 'NaN'),
    ]),
  ).toBe(1)
  expect(bestOf([{ label: null, latest: null } as Schemas['Member']])).toBeUndefined()
})
