import { expect, test } from 'vitest'

import type { Layer, Spec } from '../lab/spec'
import { isResized, withLayers, withUnits } from './layers'

const output: Layer = { type: 'dense', units: 1, activation: 'sigmoid' }
const hidden: Layer = { type: 'dense', units: 8, activation: 'relu' }
const dropout: Layer = { type: 'dropout', rate: 0.1 }

test('a layer has one unit at least', () => {
  expect(withUnits([hidden, output], 0, 1)).toEqual([{ ...hidden, units: 9 }, output])
  expect(withUnits([hidden, output], 0, -20)).toEqual([{ ...hidden, units: 1 }, output])
  expect(withUnits([dropout, output], 0, 1)).toEqual([dropout, output])
})

test('a new layer is like the last hidden one and before the output', () => {
  expect(withLayers([hidden, dropout, output], 1)).toEqual([hidden, hidden, dropout, output])
  expect(withLayers([output], 1)).toEqual([{ type: 'dense', units: 4, activation: 'tanh' }, output])
})

test('the last hidden layer is removed, but not the output', () => {
  expect(withLayers([hidden, hidden, output], -1)).toEqual([hidden, output])
  expect(withLayers([output], -1)).toEqual([output])
})

test('settings are resized if nothing but dense layers differ', () => {
  const settings = (layers: readonly Layer[], more: object = {}) =>
    ({ network: { input_shape: [2], layers }, epochs: 9, ...more }) as unknown as Spec
  const before = settings([hidden, dropout, output])
  expect(isResized(before, settings(withUnits([hidden, dropout, output], 0, 1)))).toBe(true)
  expect(isResized(before, settings([hidden, hidden, dropout, output]))).toBe(true)
  expect(isResized(before, settings([hidden, hidden, output]))).toBe(false)
  expect(isResized(before, settings([hidden, dropout, output], { epochs: 8 }))).toBe(false)
})
