import { expect, it } from 'vitest'

import { given, pattern } from '../05-forward/network'
import { after, PARAMETERS, STAGES, stageOf } from './steps'

it('the weights after a step come from the service, which returns the last layer first', () => {
  const list = pattern().map((_, i) => i)
  const layers = given(list)
    .map((layer) => ({
      name: layer.layer,
      parameters: [
        { name: 'weight', values_after: layer.weight },
        { name: 'bias', values_after: [layer.bias] },
      ],
    }))
    .reverse()
  expect(after(layers as never)).toEqual(list)
  expect(list).toHaveLength(PARAMETERS)
})

it('the backward pass visits every unit once, the last layer first', () => {
  expect(STAGES).toHaveLength(12)
  expect(stageOf(3, 0)).toBe(1)
  expect(stageOf(2, 0)).toBe(3)
  expect(stageOf(1, 3)).toBe(10)
})
