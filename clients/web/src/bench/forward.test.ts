import { describe, expect, it } from 'vitest'

import schema from '../lab/schema.json'
import { ACTIVATIONS, activate, computes, forward, widths, type Network } from './forward'

const network = (layers: unknown[], inputs = 2) =>
  ({ input_shape: [inputs], layers }) as unknown as Network
const arrays = (all: Record<string, number[]>) =>
  new Map(Object.entries(all).map(([name, values]) => [name, Float32Array.from(values)]))
const rounded = (values: Float32Array | Float64Array) =>
  [...values].map((value) => Number(value.toFixed(6)))

describe('ACTIVATIONS', () => {
  it('has every activation of the service', () => {
    expect([...Object.keys(ACTIVATIONS), 'softmax'].sort()).toEqual(
      [...schema.layers.dense.activation.words].sort(),
    )
  })

  it.each(
    Object.entries({
      linear: [-2, 0.5],
      step: [0, 1],
      sigmoid: [0.119203, 0.622459],
      tanh: [-0.964028, 0.462117],
      softsign: [-0.666667, 0.333333],
      relu: [0, 0.5],
      leaky_relu: [-0.02, 0.5],
      softplus: [0.126928, 0.974077],
      elu: [-0.864665, 0.5],
      selu: [-1.520166, 0.52535],
      gelu: [-0.0455, 0.345731],
      gelu_tanh: [-0.045402, 0.345714],
      silu: [-0.238406, 0.31123],
      mish: [-0.252501, 0.375245],
      softmax: [0.075858, 0.924142],
    }),
  )('applies %s', (name, expected) => {
    const sums = Float64Array.of(-2, 0.5)
    activate(sums, name as Parameters<typeof activate>[1])
    expect(rounded(sums)).toEqual(expected)
  })

  it('is finite far from 0', () => {
    for (const f of Object.values(ACTIVATIONS))
      for (const x of [-1e4, 1e4]) expect(f(x)).not.toBeNaN()
  })
})

describe('forward', () => {
  it('scales, multiplies, adds and activates', () => {
    const outputs = forward(
      network([
        { type: 'dense', units: 2, activation: 'relu' },
        { type: 'dropout', rate: 0.5 },
        { type: 'dense', name: 'last', units: 1, use_bias: false },
      ]),
      arrays({
        'scaling.shift': [10, 0],
        'scaling.scale': [2, 1],
        'dense_1.weight': [1, -1, 3, 4],
        'dense_1.bias': [0.5, 0],
        'last.weight': [2, 1],
        'target_scaling.shift': [100],
        'target_scaling.scale': [10],
      }),
      Float32Array.of(12, 1, 10, -1),
      2,
    )
    // (12 - 10)/2 = 1 and 1: 1 + 3 + .5 and -1 + 4; 0 and -1: -3 + .5 and -4.
    expect(outputs.map((values) => [...values])).toEqual([
      [4.5, 3, 0, 0],
      [4.5, 3, 0, 0],
      [220, 100],
    ])
  })

  it('normalizes by the running moments, or by the moments of the sample', () => {
    const given = arrays({
      'batch_norm_1.mean': [1, 0],
      'batch_norm_1.variance': [4, 1],
      'batch_norm_1.scale': [1, 2],
      'batch_norm_1.shift': [0, 1],
      'layer_norm_2.scale': [1, 1],
      'layer_norm_2.shift': [0, 3],
    })
    const layers = [
      { type: 'batch_norm', epsilon: 1e-12 },
      { type: 'layer_norm', epsilon: 1e-12 },
    ]
    const outputs = forward(network(layers), given, Float32Array.of(5, 1), 1)
    expect(outputs.map(rounded)).toEqual([
      [2, 3],
      [-1, 4],
    ])
  })

  it('computes the terms of a layer of features', () => {
    const layer = { type: 'features', terms: ['x2', 'x1^2', 'x1*x2', 'sin(x1)', 'cos(2*x2)'] }
    const [outputs] = forward(network([layer]), new Map(), Float32Array.of(2, 3), 1)
    expect(rounded(outputs!)).toEqual([3, 4, 6, 0.909297, 0.96017])
  })
})

describe('computes', () => {
  const dense = (units: number) => ({ type: 'dense', units })

  it('takes small networks of one or two inputs whose layers follow each other', () => {
    expect(computes(network([dense(32), dense(32), dense(1)]))).toBe(true)
    expect(computes(network([dense(64), dense(64), dense(1)]))).toBe(false)
    expect(computes(network([dense(1)], 3))).toBe(false)
    expect(computes(network([{ type: 'lstm', units: 2 }, dense(1)]))).toBe(false)
    expect(computes(network([dense(2), { ...dense(1), input: ['input'] }]))).toBe(false)
    expect(computes(network([{ type: 'features', terms: ['exp(x1)'] }, dense(1)]))).toBe(false)
  })

  it('knows how many units each layer has', () => {
    const layers = [
      { type: 'features', terms: ['x1', 'x2', 'x1^2'] },
      dense(4),
      { type: 'dropout' },
    ]
    expect(widths(network(layers))).toEqual([2, 3, 4, 4])
  })
})
