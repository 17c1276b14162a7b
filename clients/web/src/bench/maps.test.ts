import { describe, expect, it } from 'vitest'

import type { Network } from './forward'
import {
  columnsOf,
  gridOf,
  paint,
  rangeOf,
  resolutionFor,
  spelled,
  termsOf,
  withTerm,
} from './maps'

const network = (layers: unknown[]) => ({ input_shape: [2], layers }) as unknown as Network
const dense = (units: number, activation = 'tanh') => ({ type: 'dense', units, activation })

describe('withTerm', () => {
  const plain = network([dense(4)])

  it('adds a layer of features, in one order whatever is added first', () => {
    const both = withTerm(withTerm(plain, 'sin(3*x1)', true), 'x1^2', true)
    expect(termsOf(both)).toEqual(['x1', 'x2', 'x1^2', 'sin(3*x1)'])
    expect(both.layers.map(({ type }) => type)).toEqual(['features', 'dense'])
  })

  it('removes the layer when only the inputs are left, and never the last term', () => {
    const added = withTerm(plain, 'x1*x2', true)
    expect(withTerm(added, 'x1*x2', false)).toEqual(plain)
    const last = withTerm(plain, 'x1', false)
    expect(termsOf(last)).toEqual(['x2'])
    expect(withTerm(last, 'x2', false)).toBe(last)
  })

  it('keeps terms that the page does not offer', () => {
    const other = network([{ type: 'features', terms: ['x1', 'cos(x2)'] }, dense(4)])
    expect(termsOf(withTerm(other, 'x2', true))).toEqual(['x1', 'x2', 'cos(x2)'])
  })
})

it('writes terms as formulas', () => {
  expect(['x1^2', 'x1*x2', 'sin(3*x2)'].map(spelled)).toEqual(['x₁²', 'x₁x₂', 'sin 3x₂'])
})

it('has one column for each dense layer and what follows it', () => {
  const columns = columnsOf(
    network([
      { type: 'features', terms: ['x1', 'x2', 'x1^2'] },
      { ...dense(4, 'linear'), name: 'first' },
      { type: 'batch_norm' },
      { type: 'activation', activation: 'relu' },
      { type: 'dropout', rate: 0.1 },
      dense(1, 'sigmoid'),
    ]),
  )
  expect(columns).toEqual([
    { layer: 1, shown: 4, name: 'first', units: 4, activation: 'relu' },
    { layer: 5, shown: 5, name: 'dense_6', units: 1, activation: 'sigmoid' },
  ])
})

it('makes a grid from the lowest corner on, over one input or two', () => {
  expect([...gridOf([0, 2, 10, 30], 2).inputs]).toEqual([0, 10, 2, 10, 0, 30, 2, 30])
  expect([...gridOf([0, 2], 3).inputs]).toEqual([0, 1, 2])
})

it('takes fewer points for a larger network', () => {
  const [small, large] = [[dense(8)], [dense(32), dense(32)]].map((layers) =>
    resolutionFor(network(layers), 40_000, 100),
  )
  // 2 · 8 + 8 and 2 · 32 + 32 · 32 + 32 multiplications a point.
  expect([small, large]).toEqual([40, 12])
})

it('colors a unit from the top row, with what is not a number in the middle', () => {
  const colors = Uint8ClampedArray.from({ length: 768 }, (_, i) => Math.floor(i / 3))
  const pixels = new Uint8ClampedArray(20)
  const values = Float32Array.of(9, -1, 9, 1, 9, NaN, 9, 5)
  paint(pixels, 4, values, { units: 2, unit: 1, resolution: 2 }, [-1, 1], colors)
  expect([...pixels.filter((_, i) => i % 4 === 0)]).toEqual([0, 128, 255, 0, 255])
})

it('centers the colors on 0, and on a half for probabilities', () => {
  expect(rangeOf('softmax', [0.2])).toEqual([0, 1])
  expect(rangeOf('tanh', [0.2])).toEqual([-1, 1])
  expect(rangeOf('relu', [0.5, -3, NaN])).toEqual([-3, 3])
})
