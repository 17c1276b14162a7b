import { expect, test } from 'vitest'

import type { Layer } from '../lab/spec'
import { withLayers, withUnits } from './layers'

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
