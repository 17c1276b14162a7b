/** The outputs of each layer of a convolutional network for one image, as maps. */
import type { Schemas } from '@epochal/client'
import { toNumbers } from '../lib/api/numbers'

export function mapsOf({ layers }: Schemas['SampleActivations']) {
  return layers.map((layer) => {
    const [, height = 1, width = 1, channels = 1] = layer.shape
    const values = toNumbers(layer.values)
    const isImage = layer.shape.length === 4
    const maps = Array.from({ length: isImage ? channels : 0 }, (_, channel) =>
      Array.from({ length: height * width }, (_, i) => values[i * channels + channel]!),
    )
    return { name: layer.name, height, width, values, maps, most: Math.max(...values, 1e-9) }
  })
}
