import { describe, expect, it } from 'vitest'

import { isRow, rowOf, ROWS, sizesOf } from './row'

describe('a row of layers', () => {
  it('converts from sizes to layers and back', () => {
    expect(rowOf([3, 4, 2]).layers.map((layer) => 'units' in layer && layer.units)).toEqual([4, 2])
    expect(sizesOf(rowOf([3, 4, 4, 2]))).toEqual([3, 4, 4, 2])
  })

  it('has no sizes if a layer is not dense or the input is not a vector', () => {
    expect(
      sizesOf({
        input_shape: [3],
        layers: [
          { type: 'dense', units: 2 },
          { type: 'dropout', rate: 0.5 },
        ],
      }),
    ).toBeUndefined()
    expect(sizesOf({ input_shape: [2, 3], layers: [{ type: 'dense', units: 2 }] })).toBeUndefined()
  })

  it('is read from a link only if every layer type is known', () => {
    expect(ROWS.every(({ row }) => isRow(row))).toBe(true)
    expect(isRow(null)).toBe(true)
    expect(isRow({ input_shape: [2], layers: [{ type: 'toString' }] })).toBe(false)
    expect(
      isRow({ input_shape: [2], layers: [{ type: 'residual', layers: [{ type: 'odd' }] }] }),
    ).toBe(false)
    expect(isRow({ input_shape: [2], layers: [] })).toBe(false)
    expect(isRow('dense')).toBe(false)
  })
})
