import { expect, it } from 'vitest'

import { LAYERS, tidy } from './fields'
import { compact, START, type Spec } from './spec'

it('defaults are removed from a complete spec', () => {
  const spelled = {
    ...START,
    network: {
      input_shape: [2],
      layers: [
        {
          type: 'residual',
          layers: [
            {
              type: 'dense',
              units: 2,
              activation: 'tanh',
              use_bias: true,
              initializer: null,
              initializer_gain: 1,
            },
          ],
        },
        {
          type: 'dense',
          units: 1,
          activation: 'sigmoid',
          use_bias: false,
          initializer: 'zeros',
          initializer_gain: 4,
        },
      ],
    },
    dataset: { name: 'xor', samples: null, scaling: 'none' },
    optimizer: { type: 'adam', learning_rate: 0.01, beta_1: 0.9, beta_2: 0.5, epsilon: 1e-8 },
    schedule: { type: 'constant' },
    regularization: { l1: 0, l2: 0 },
    clipping: { norm: null, value: null },
    snapshots: { gradients_every: 1, weights_every: null },
    labels: {},
  } as unknown as Spec
  expect(compact(tidy(compact(spelled)))).toEqual({
    ...START,
    network: {
      input_shape: [2],
      layers: [
        { type: 'residual', layers: [{ type: 'dense', units: 2, activation: 'tanh' }] },
        {
          type: 'dense',
          units: 1,
          activation: 'sigmoid',
          use_bias: false,
          initializer: 'zeros',
          initializer_gain: 4,
        },
      ],
    },
    dataset: { name: 'xor' },
    optimizer: { type: 'adam', learning_rate: 0.01, beta_2: 0.5 },
  })
})

it('a new layer has the type that it is listed under', () => {
  for (const [type, { fresh }] of Object.entries(LAYERS)) expect(fresh.type).toBe(type)
})
