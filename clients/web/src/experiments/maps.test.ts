import { describe, expect, it } from 'vitest'

import type { Schemas } from '@epochal/client'
import { mapsOf } from './maps'

describe('mapsOf', () => {
  it('separates the channels of an image, and has no map for a row of numbers', () => {
    const [image, row] = mapsOf({
      layers: [
        { name: 'conv2d_1', shape: [1, 2, 1, 2], values: [1, 10, 2, 20] },
        { name: 'dense_2', shape: [1, 2], values: [0.25, 0.75] },
      ],
    } as Schemas['SampleActivations'])
    expect(image).toMatchObject({
      height: 2,
      width: 1,
      most: 20,
      maps: [
        [1, 2],
        [10, 20],
      ],
    })
    expect(row).toMatchObject({ values: [0.25, 0.75], maps: [] })
  })
})
