/** What can be set of layers, optimizers and schedules: each field's name, kind and what it is without. */
import type { Layer, LayerType, Spec } from './spec'

interface Base {
  name: string
  label: string
  hint?: string
  /** Folded until somebody asks for it. */
  more?: boolean
}
export type Field = Base &
  (
    | {
        kind: 'number'
        initial?: number
        min?: number
        max?: number
        whole?: boolean
        optional?: boolean
      }
    | { kind: 'rate'; initial: number; min: number; max: number }
    | { kind: 'share'; initial: number; max?: number }
    | { kind: 'words'; initial?: string; words: readonly string[]; none?: string }
    | { kind: 'flag'; initial: boolean }
    | { kind: 'sizes'; initial?: readonly number[] }
    | { kind: 'names' }
    | { kind: 'text' }
  )

export const ACTIVATIONS = [
  'linear',
  'relu',
  'tanh',
  'sigmoid',
  'softmax',
  'leaky_relu',
  'elu',
  'selu',
  'gelu',
  'gelu_tanh',
  'silu',
  'mish',
  'softplus',
  'softsign',
  'step',
] as const
const INITIALIZERS = [
  'xavier_uniform',
  'xavier_normal',
  'he_uniform',
  'he_normal',
  'lecun_uniform',
  'lecun_normal',
  'orthogonal',
  'uniform',
  'normal',
  'constant',
  'zeros',
] as const

const whole = (
  name: string,
  label: string,
  rest: Partial<Base> & { initial?: number; max?: number } = {},
): Field => ({
  name,
  label,
  kind: 'number',
  whole: true,
  min: 1,
  ...rest,
})
const activation = (initial = 'linear'): Field => ({
  name: 'activation',
  label: 'Activation',
  kind: 'words',
  words: ACTIVATIONS,
  initial,
})
const starts: readonly Field[] = [
  { name: 'use_bias', label: 'Bias', kind: 'flag', initial: true, more: true },
  {
    name: 'initializer',
    label: 'First weights',
    kind: 'words',
    words: INITIALIZERS,
    none: 'by the activation',
    more: true,
  },
  { name: 'initializer_gain', label: 'Times', kind: 'number', initial: 1, min: 0, more: true },
]
const named: readonly Field[] = [
  { name: 'name', label: 'Name', kind: 'text', more: true },
  {
    name: 'input',
    label: 'Reads',
    kind: 'names',
    hint: 'names of layers; the one before if empty',
    more: true,
  },
]
const window = (name: string, label: string, initial?: readonly number[]): Field => ({
  name,
  label,
  kind: 'sizes',
  initial,
})
const convolution = (size: readonly number[]): Field[] => [
  whole('filters', 'Filters'),
  window('kernel_size', 'Window', size),
  activation(),
  { ...window('stride', 'Stride', [1]), more: true },
  {
    name: 'padding',
    label: 'Padding',
    kind: 'words',
    words: ['valid', 'same'],
    initial: 'valid',
    more: true,
  },
  ...starts,
]
const pooling: Field[] = [
  window('pool_size', 'Window', [2]),
  { ...window('stride', 'Stride'), hint: 'as the window', more: true },
]
const recurrent: Field[] = [
  whole('units', 'Units'),
  { name: 'return_sequences', label: 'All steps', kind: 'flag', initial: false },
]
const heads: Field[] = [
  whole('heads', 'Heads'),
  { name: 'causal', label: 'Looks back only', kind: 'flag', initial: false },
]

interface LayerKind {
  title: string
  group: string
  fields: readonly Field[]
  fresh: Layer
}

export const LAYERS: Record<LayerType, LayerKind> = {
  dense: {
    title: 'Dense',
    group: 'Plain',
    fields: [whole('units', 'Units'), activation(), ...starts],
    fresh: { type: 'dense', units: 8, activation: 'relu' },
  },
  activation: {
    title: 'Activation',
    group: 'Plain',
    fields: [activation('relu')],
    fresh: { type: 'activation', activation: 'relu' },
  },
  dropout: {
    title: 'Dropout',
    group: 'Plain',
    fields: [{ name: 'rate', label: 'Silences', kind: 'share', initial: 0.2, max: 0.95 }],
    fresh: { type: 'dropout', rate: 0.2 },
  },
  residual: {
    title: 'Residual',
    group: 'Plain',
    fields: [],
    fresh: { type: 'residual', layers: [{ type: 'dense', units: 8, activation: 'relu' }] },
  },
  batch_norm: {
    title: 'Batch norm',
    group: 'Normalization',
    fresh: { type: 'batch_norm' },
    fields: [
      {
        name: 'momentum',
        label: 'Momentum',
        kind: 'number',
        initial: 0.9,
        min: 0,
        max: 1,
        more: true,
      },
      { name: 'epsilon', label: 'Epsilon', kind: 'number', initial: 1e-5, min: 0, more: true },
    ],
  },
  layer_norm: {
    title: 'Layer norm',
    group: 'Normalization',
    fresh: { type: 'layer_norm' },
    fields: [
      { name: 'epsilon', label: 'Epsilon', kind: 'number', initial: 1e-5, min: 0, more: true },
    ],
  },
  reshape: {
    title: 'Reshape',
    group: 'Shape',
    fields: [window('shape', 'To')],
    fresh: { type: 'reshape', shape: [8, 8, 1] },
  },
  flatten: { title: 'Flatten', group: 'Shape', fields: [], fresh: { type: 'flatten' } },
  slice: {
    title: 'Slice',
    group: 'Shape',
    fresh: { type: 'slice', start: 0 },
    fields: [
      { name: 'start', label: 'From', kind: 'number', whole: true, initial: 0 },
      {
        name: 'stop',
        label: 'To',
        kind: 'number',
        whole: true,
        optional: true,
        hint: 'the end, if empty',
      },
    ],
  },
  concatenate: { title: 'Concatenate', group: 'Shape', fields: [], fresh: { type: 'concatenate' } },
  add: { title: 'Add', group: 'Shape', fields: [], fresh: { type: 'add' } },
  conv2d: {
    title: 'Conv 2D',
    group: 'Convolution',
    fields: convolution([3, 3]),
    fresh: { type: 'conv2d', filters: 8, kernel_size: [3, 3], activation: 'relu' },
  },
  conv1d: {
    title: 'Conv 1D',
    group: 'Convolution',
    fields: convolution([3]),
    fresh: { type: 'conv1d', filters: 8, kernel_size: [3], activation: 'relu' },
  },
  max_pool2d: {
    title: 'Max pool 2D',
    group: 'Convolution',
    fields: pooling,
    fresh: { type: 'max_pool2d', pool_size: [2] },
  },
  average_pool2d: {
    title: 'Mean pool 2D',
    group: 'Convolution',
    fields: pooling,
    fresh: { type: 'average_pool2d', pool_size: [2] },
  },
  max_pool1d: {
    title: 'Max pool 1D',
    group: 'Convolution',
    fields: pooling,
    fresh: { type: 'max_pool1d', pool_size: [2] },
  },
  average_pool1d: {
    title: 'Mean pool 1D',
    group: 'Convolution',
    fields: pooling,
    fresh: { type: 'average_pool1d', pool_size: [2] },
  },
  global_max_pool: {
    title: 'Channel max',
    group: 'Convolution',
    fields: [],
    fresh: { type: 'global_max_pool' },
  },
  global_average_pool: {
    title: 'Channel mean',
    group: 'Convolution',
    fields: [],
    fresh: { type: 'global_average_pool' },
  },
  embedding: {
    title: 'Embedding',
    group: 'Sequences',
    fields: [whole('vocabulary', 'Words'), whole('units', 'Units')],
    fresh: { type: 'embedding', vocabulary: 32, units: 8 },
  },
  positional_encoding: {
    title: 'Positions',
    group: 'Sequences',
    fields: [
      {
        name: 'kind',
        label: 'Kind',
        kind: 'words',
        words: ['sinusoidal', 'learned'],
        initial: 'sinusoidal',
      },
    ],
    fresh: { type: 'positional_encoding' },
  },
  rnn: {
    title: 'Recurrent',
    group: 'Sequences',
    fields: recurrent,
    fresh: { type: 'rnn', units: 8 },
  },
  lstm: { title: 'LSTM', group: 'Sequences', fields: recurrent, fresh: { type: 'lstm', units: 8 } },
  gru: { title: 'GRU', group: 'Sequences', fields: recurrent, fresh: { type: 'gru', units: 8 } },
  multi_head_attention: {
    title: 'Attention',
    group: 'Sequences',
    fields: heads,
    fresh: { type: 'multi_head_attention', heads: 2 },
  },
  additive_attention: {
    title: 'Additive att.',
    group: 'Sequences',
    fields: [whole('units', 'Units')],
    fresh: { type: 'additive_attention', units: 8 },
  },
  transformer_block: {
    title: 'Transformer',
    group: 'Sequences',
    fresh: { type: 'transformer_block', heads: 2, hidden: 16 },
    fields: [
      ...heads,
      whole('hidden', 'Hidden units'),
      activation('gelu'),
      {
        name: 'norm',
        label: 'Norm',
        kind: 'words',
        words: ['pre', 'post'],
        initial: 'pre',
        more: true,
      },
      { name: 'dropout', label: 'Dropout', kind: 'share', initial: 0, max: 0.95, more: true },
    ],
  },
}

export const layerFields = (type: LayerType): readonly Field[] => [...LAYERS[type].fields, ...named]

const rate = (initial: number): Field => ({
  name: 'learning_rate',
  label: 'Learning rate',
  kind: 'rate',
  initial,
  min: 1e-5,
  max: 10,
})
const beta = (name: string, label: string, initial: number): Field => ({
  name,
  label,
  kind: 'number',
  min: 0,
  max: 1,
  initial,
  more: true,
})
const small = (initial: number): Field => ({
  name: 'epsilon',
  label: 'Epsilon',
  kind: 'number',
  min: 0,
  initial,
  more: true,
})
const decay = (initial: number): Field => ({
  name: 'weight_decay',
  label: 'Weight decay',
  kind: 'number',
  min: 0,
  initial,
  more: true,
})
const momentum = (initial: number): Field => ({
  name: 'momentum',
  label: 'Momentum',
  kind: 'share',
  initial,
  max: 0.999,
})

interface Kind {
  title: string
  fields: readonly Field[]
}

export const OPTIMIZERS: Record<string, Kind> = {
  adam: {
    title: 'Adam',
    fields: [
      rate(0.01),
      beta('beta_1', 'Beta 1', 0.9),
      beta('beta_2', 'Beta 2', 0.999),
      small(1e-8),
    ],
  },
  sgd: { title: 'Plain gradient descent', fields: [rate(0.1)] },
  momentum: { title: 'Momentum', fields: [rate(0.01), momentum(0.9)] },
  nesterov: { title: 'Nesterov', fields: [rate(0.01), momentum(0.9)] },
  adagrad: { title: 'Adagrad', fields: [rate(0.01), small(1e-10)] },
  rmsprop: { title: 'RMSprop', fields: [rate(0.01), beta('decay', 'Decay', 0.99), small(1e-8)] },
  adamw: {
    title: 'AdamW',
    fields: [
      rate(0.001),
      decay(0.01),
      beta('beta_1', 'Beta 1', 0.9),
      beta('beta_2', 'Beta 2', 0.999),
      small(1e-8),
    ],
  },
  lion: {
    title: 'Lion',
    fields: [rate(0.0001), decay(0), beta('beta_1', 'Beta 1', 0.9), beta('beta_2', 'Beta 2', 0.99)],
  },
  muon: {
    title: 'Muon',
    fields: [
      rate(0.02),
      momentum(0.95),
      decay(0),
      {
        name: 'adam_fraction',
        label: 'Share of AdamW',
        kind: 'number',
        min: 0,
        initial: 0.015,
        more: true,
      },
    ],
  },
  perceptron: { title: "Rosenblatt's rule", fields: [rate(1)] },
}

export const SCHEDULES: Record<string, Kind & { fresh: Record<string, unknown> }> = {
  constant: { title: 'Constant', fields: [], fresh: { type: 'constant' } },
  cosine: {
    title: 'Cosine',
    fresh: { type: 'cosine' },
    fields: [
      {
        name: 'warmup_epochs',
        label: 'Warm-up epochs',
        kind: 'number',
        whole: true,
        min: 0,
        initial: 0,
      },
      { name: 'final_fraction', label: 'Ends at', kind: 'share', initial: 0 },
    ],
  },
  step: {
    title: 'Steps',
    fresh: { type: 'step', every: 30, factor: 0.5 },
    fields: [
      whole('every', 'Every … epochs'),
      { name: 'factor', label: 'Times', kind: 'share', initial: 0.1 },
    ],
  },
  exponential: {
    title: 'Exponential',
    fresh: { type: 'exponential', decay: 0.98 },
    fields: [{ name: 'decay', label: 'Each epoch times', kind: 'number', min: 0, max: 1 }],
  },
  one_cycle: {
    title: 'One cycle',
    fresh: { type: 'one_cycle' },
    fields: [
      { name: 'rising_fraction', label: 'Rises for', kind: 'share', initial: 0.3 },
      { name: 'initial_fraction', label: 'Begins at', kind: 'share', initial: 0.04 },
    ],
  },
  reduce_on_plateau: {
    title: 'When it no longer falls',
    fresh: { type: 'reduce_on_plateau' },
    fields: [
      { name: 'factor', label: 'Times', kind: 'share', initial: 0.1 },
      whole('patience', 'After … epochs', { initial: 10 }),
    ],
  },
}

export const AUGMENTATIONS: Record<string, Kind & { fresh: Record<string, unknown> }> = {
  shift: {
    title: 'Move them about',
    fresh: { type: 'shift', reach: 1 },
    fields: [{ name: 'reach', label: 'Up to', kind: 'number', whole: true, min: 0, max: 64 }],
  },
  noise: {
    title: 'Add noise',
    fresh: { type: 'noise', deviation: 0.05 },
    fields: [{ name: 'deviation', label: 'Deviation', kind: 'number', min: 0 }],
  },
  flip: {
    title: 'Mirror them',
    fresh: { type: 'flip' },
    fields: [{ name: 'probability', label: 'How often', kind: 'share', initial: 0.5 }],
  },
}

/** Without the finer settings that are as they would be anyway, which a run's own spec spells out. */
export function tidy(spec: Spec): Spec {
  const next: Record<string, unknown> = { ...spec }
  if ('layers' in spec.network)
    next['network'] = { ...spec.network, layers: spec.network.layers.map(tidyLayer) }
  const { optimizer, regularization, snapshots, schedule, dataset } = spec
  if (optimizer) next['optimizer'] = without(optimizer, OPTIMIZERS[optimizer.type]?.fields ?? [])
  if (!regularization?.l1 && !regularization?.l2) delete next['regularization']
  if (snapshots?.gradients_every === 1 && snapshots.weights_every === undefined)
    delete next['snapshots']
  if (schedule?.type === 'constant') delete next['schedule']
  if (dataset.scaling === 'none') next['dataset'] = { ...dataset, scaling: undefined }
  return next as Spec
}

function tidyLayer(layer: Layer): Layer {
  const plain = without(layer, LAYERS[layer.type]?.fields ?? [])
  return plain.type === 'residual' ? { ...plain, layers: plain.layers.map(tidyLayer) } : plain
}

function without<T extends object>(value: T, fields: readonly Field[]): T {
  const usual = new Map(
    fields.flatMap((field) =>
      field.more && 'initial' in field ? [[field.name, JSON.stringify(field.initial)]] : [],
    ),
  )
  return Object.fromEntries(
    Object.entries(value).filter(([name, each]) => usual.get(name) !== JSON.stringify(each)),
  ) as T
}
