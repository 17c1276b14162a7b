/** A network of layers of any kind, which is a row of them; and what it has in common with a row of sizes. */
import type { Schemas } from '../../lib/api/client'
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

/** What a link says may be anything. */
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

/** The same network, layer by layer. */
export function rowOf([input = 1, ...units]: Sizes): Row {
  const layers = units.map((each, i): Layer => ({
    type: 'dense',
    units: each,
    activation: i + 1 < units.length ? 'relu' : 'linear',
  }))
  return { input_shape: [input], layers }
}

/** The sizes of a row that has nothing but dense layers. */
export function sizesOf({ input_shape, layers }: Row): Sizes | undefined {
  const [input] = input_shape
  const units = layers.flatMap((each) => (each.type === 'dense' ? [each.units] : []))
  return input !== undefined && input_shape.length === 1 && units.length === layers.length
    ? [input, ...units]
    : undefined
}

/** Small ones of three families; the first is LeNet-5 as it is counted among the famous. */
export const ROWS: readonly { name: string; about: string; row: Row }[] = [
  {
    name: 'Sees',
    about: 'convolution',
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
    name: 'Remembers',
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
    name: 'Attends',
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
