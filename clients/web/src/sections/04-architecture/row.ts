/** A network of layers of any type, and conversions from and to a row of dense sizes. */
import type { Schemas } from '@epochal/client'
import { LAYERS } from '../../lab/fields'
import type { Layer } from '../../lab/spec'
import type { Sizes } from './sizes'

export type Row = Schemas['NetworkSpec']

const isLayer = (value: unknown): value is Layer => {
  const layer = value as Partial<Layer> | null
  if (typeof layer !== 'object' || layer === null || !Object.hasOwn(LAYERS, layer.type ?? ''))
    return false
  return layer.type !== 'residual' || (Array.isArray(layer.layers) && layer.layers.every(isLayer))
}

/** Check a value from a link, which can contain anything. */
export function isRow(value: unknown): value is Row | null {
  if (value === null) return true
  const row = value as Partial<Row>
  return (
    typeof row === 'object' &&
    Array.isArray(row.input_shape) &&
    row.input_shape.every(Number.isInteger) &&
    Array.isArray(row.layers) &&
    row.layers.length > 0 &&
    row.layers.every(isLayer)
  )
}

/** The network of dense layers with these sizes. */
export function rowOf([input = 1, ...units]: Sizes): Row {
  const layers = units.map((unit, i): Layer => ({
    type: 'dense',
    units: unit,
    activation: i + 1 < units.length ? 'relu' : 'linear',
  }))
  return { input_shape: [input], layers }
}

/** The sizes of a network of dense layers; undefined if it has other layers. */
export function sizesOf({ input_shape, layers }: Row): Sizes | undefined {
  const [input] = input_shape
  const units = layers.flatMap((layer) => (layer.type === 'dense' ? [layer.units] : []))
  return input !== undefined && input_shape.length === 1 && units.length === layers.length
    ? [input, ...units]
    : undefined
}

/** Small examples of three architectures; the first is LeNet-5. */
export const ROWS: readonly { name: string; about: string; row: Row }[] = [
  {
    name: 'Convolutional',
    about: 'LeNet-5',
    row: {
      input_shape: [28, 28, 1],
      layers: [
        { type: 'conv2d', filters: 6, kernel_size: [5, 5], padding: 'same', activation: 'tanh' },
        { type: 'average_pool2d', pool_size: [2] },
        { type: 'conv2d', filters: 16, kernel_size: [5, 5], activation: 'tanh' },
        { type: 'average_pool2d', pool_size: [2] },
        { type: 'flatten' },
        { type: 'dense', units: 120, activation: 'tanh' },
        { type: 'dense', units: 84, activation: 'tanh' },
        { type: 'dense', units: 10, activation: 'softmax' },
      ],
    },
  },
  {
    name: 'Recurrent',
    about: 'LSTM',
    row: {
      input_shape: [40],
      layers: [
        { type: 'embedding', vocabulary: 5000, units: 32 },
        { type: 'lstm', units: 32 },
        { type: 'dropout', rate: 0.2 },
        { type: 'dense', units: 2, activation: 'softmax' },
      ],
    },
  },
  {
    name: 'Attention',
    about: 'transformer',
    row: {
      input_shape: [64],
      layers: [
        { type: 'embedding', vocabulary: 256, units: 64 },
        { type: 'positional_encoding', kind: 'learned' },
        { type: 'transformer_block', heads: 4, hidden: 256, causal: true },
        { type: 'layer_norm' },
        { type: 'dense', units: 256, activation: 'softmax' },
      ],
    },
  },
]
