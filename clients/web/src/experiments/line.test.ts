import { describe, expect, it } from 'vitest'

import type { Schemas } from '@epochal/client'
import { linesOf } from './line'

const AND = [
  [0, 0, 0],
  [0, 1, 0],
  [1, 0, 0],
  [1, 1, 1],
]
const samples = {
  samples: AND.map(([a, b, target]) => ({ inputs: [a, b], target_class: target })),
} as Schemas['SamplePredictions']
const weights = (epoch: number, weight: number[], bias: number) =>
  ({
    epoch,
    layers: [
      {
        arrays: [
          { name: 'weight', values: weight },
          { name: 'bias', values: [bias] },
        ],
      },
    ],
  }) as Schemas['Weights']

describe('linesOf', () => {
  it('marks the samples on the wrong side at each epoch; a sum of 0 fires', () => {
    expect(linesOf(samples, [weights(0, [0, 0], 0), weights(6, [2, 1], -3)])).toEqual([
      { epoch: 0, line: { w1: 0, w2: 0, bias: 0 }, wrong: [true, true, true, false] },
      { epoch: 6, line: { w1: 2, w2: 1, bias: -3 }, wrong: [false, false, false, false] },
    ])
  })
})
