/** The settings of layers, optimizers and schedules: titles and order here, the rest from the API's schema. */
import { OPTIMIZER_NAMES } from '../job/texts'
import schema from './schema.json'
import type { Layer, LayerType, Spec } from './spec'

interface Base {
  name: string
  label: string
  /** The field's description in the API. */
  description?: string
  hint?: string
  /** Folded by default. */
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
    | { kind: 'share'; initial?: number; max: number }
    | { kind: 'words'; initial?: string; words: readonly string[]; none?: string }
    | { kind: 'flag'; initial: boolean }
    | { kind: 'sizes'; initial?: readonly number[] }
    | { kind: 'names' }
    | { kind: 'text' }
  )

/** One field in schema.json, which build/fields.js writes. */
interface Described {
  type: string
  of?: string
  words?: readonly string[]
  min?: number
  max?: number
  /** `max` itself is excluded. */
  below?: boolean
  initial?: unknown
  optional?: boolean
  description: string
}
type Descriptions = Record<string, Record<string, Described>>

/** The texts by hand for a field; a text alone is its label. */
interface Own {
  label: string
  /** A slider instead of a field for a number: logarithmic, or from 0 to 1. */
  slider?: 'rate' | 'share'
  hint?: string
  none?: string
  more?: boolean
  /** For a default that the schema does not state. */
  initial?: unknown
}
type Titles = Record<string, string | Own>

/** Return the fields of `titles` in their order, each with its kind, default, bounds and description. */
function fieldsOf(descriptions: Record<string, Described>, titles: Titles): Field[] {
  return Object.entries(titles).map(([name, title]) => {
    const custom: Own = typeof title === 'string' ? { label: title } : title
    const described = descriptions[name]
    if (!described) throw new Error(`the schema has no field ${name}`)
    return field(name, custom, described)
  })
}

function field(
  name: string,
  { slider, initial, none, ...custom }: Own,
  described: Described,
): Field {
  const start = described.initial ?? initial
  return {
    name,
    ...custom,
    description: described.description,
    ...kind(),
    initial: start,
  } as Field

  function kind(): object {
    if (slider === 'rate') return { kind: 'rate', min: 1e-5, max: 10 }
    if (slider === 'share')
      return { kind: 'share', max: (described.max ?? 1) - (described.below ? 0.01 : 0) }
    if (described.words) return { kind: 'words', words: described.words, none }
    if (described.type === 'boolean') return { kind: 'flag' }
    if (described.type === 'array') return { kind: described.of === 'integer' ? 'sizes' : 'names' }
    if (described.type === 'string') return { kind: 'text' }
    const { min, max, optional } = described
    return { kind: 'number', min, max, whole: described.type === 'integer', optional }
  }
}

const more = (label: string, rest: Partial<Own> = {}): Own => ({ label, more: true, ...rest })
const share = (label: string, rest: Partial<Own> = {}): Own => ({ label, slider: 'share', ...rest })

const activation: Titles = { activation: 'Activation' }
const starts: Titles = {
  use_bias: more('Bias'),
  initializer: more('Initial weights', { none: 'default of the activation' }),
  initializer_gain: more('Gain'),
}
const named: Titles = {
  name: more('Name'),
  input: more('Input layers', { hint: 'names of layers; the previous layer if empty' }),
}
const convolution: Titles = {
  filters: 'Filters',
  kernel_size: 'Kernel size',
  ...activation,
  stride: more('Stride', { initial: [1] }),
  padding: more('Padding'),
  ...starts,
}
const pooling: Titles = {
  pool_size: { label: 'Pool size', initial: [2] },
  stride: more('Stride', { hint: 'the pool size if empty' }),
}
const units: Titles = { units: 'Units' }
const recurrent: Titles = { ...units, return_sequences: 'Return sequences' }
const heads: Titles = { heads: 'Heads', causal: 'Causal' }
const epsilon: Titles = { epsilon: more('Epsilon') }

interface LayerKind {
  title: string
  group: string
  titles: Titles
  fresh: Layer
}

const LAYER_TITLES: Record<LayerType, LayerKind> = {
  dense: {
    title: 'Dense',
    group: 'Plain',
    titles: { ...units, ...activation, ...starts },
    fresh: { type: 'dense', units: 8, activation: 'relu' },
  },
  activation: {
    title: 'Activation',
    group: 'Plain',
    titles: activation,
    fresh: { type: 'activation', activation: 'relu' },
  },
  dropout: {
    title: 'Dropout',
    group: 'Plain',
    titles: { rate: share('Silences') },
    fresh: { type: 'dropout', rate: 0.2 },
  },
  residual: {
    title: 'Residual',
    group: 'Plain',
    titles: {},
    fresh: { type: 'residual', layers: [{ type: 'dense', units: 8, activation: 'relu' }] },
  },
  batch_norm: {
    title: 'Batch norm',
    group: 'Normalization',
    fresh: { type: 'batch_norm' },
    titles: { momentum: more('Momentum'), ...epsilon },
  },
  layer_norm: {
    title: 'Layer norm',
    group: 'Normalization',
    fresh: { type: 'layer_norm' },
    titles: epsilon,
  },
  features: {
    title: 'Features',
    group: 'Plain',
    titles: { terms: { label: 'Terms', hint: 'such as x1, x1^2, x1*x2, sin(2*x1)' } },
    fresh: { type: 'features', terms: ['x1', 'x2', 'x1^2', 'x2^2', 'x1*x2'] },
  },
  reshape: {
    title: 'Reshape',
    group: 'Shape',
    titles: { shape: 'To' },
    fresh: { type: 'reshape', shape: [8, 8, 1] },
  },
  flatten: { title: 'Flatten', group: 'Shape', titles: {}, fresh: { type: 'flatten' } },
  slice: {
    title: 'Slice',
    group: 'Shape',
    fresh: { type: 'slice', start: 0 },
    titles: { start: 'From', stop: { label: 'To', hint: 'the end if empty' } },
  },
  concatenate: { title: 'Concatenate', group: 'Shape', titles: {}, fresh: { type: 'concatenate' } },
  add: { title: 'Add', group: 'Shape', titles: {}, fresh: { type: 'add' } },
  conv2d: {
    title: 'Conv 2D',
    group: 'Convolution',
    titles: convolution,
    fresh: { type: 'conv2d', filters: 8, kernel_size: [3, 3], activation: 'relu' },
  },
  conv1d: {
    title: 'Conv 1D',
    group: 'Convolution',
    titles: convolution,
    fresh: { type: 'conv1d', filters: 8, kernel_size: [3], activation: 'relu' },
  },
  max_pool2d: {
    title: 'Max pool 2D',
    group: 'Convolution',
    titles: pooling,
    fresh: { type: 'max_pool2d', pool_size: [2] },
  },
  average_pool2d: {
    title: 'Average pool 2D',
    group: 'Convolution',
    titles: pooling,
    fresh: { type: 'average_pool2d', pool_size: [2] },
  },
  max_pool1d: {
    title: 'Max pool 1D',
    group: 'Convolution',
    titles: pooling,
    fresh: { type: 'max_pool1d', pool_size: [2] },
  },
  average_pool1d: {
    title: 'Average pool 1D',
    group: 'Convolution',
    titles: pooling,
    fresh: { type: 'average_pool1d', pool_size: [2] },
  },
  global_max_pool: {
    title: 'Global max pool',
    group: 'Convolution',
    titles: {},
    fresh: { type: 'global_max_pool' },
  },
  global_average_pool: {
    title: 'Global avg pool',
    group: 'Convolution',
    titles: {},
    fresh: { type: 'global_average_pool' },
  },
  embedding: {
    title: 'Embedding',
    group: 'Sequences',
    titles: { vocabulary: 'Vocabulary', ...units },
    fresh: { type: 'embedding', vocabulary: 32, units: 8 },
  },
  positional_encoding: {
    title: 'Positions',
    group: 'Sequences',
    titles: { kind: 'Kind' },
    fresh: { type: 'positional_encoding' },
  },
  rnn: {
    title: 'Recurrent',
    group: 'Sequences',
    titles: recurrent,
    fresh: { type: 'rnn', units: 8 },
  },
  lstm: { title: 'LSTM', group: 'Sequences', titles: recurrent, fresh: { type: 'lstm', units: 8 } },
  gru: { title: 'GRU', group: 'Sequences', titles: recurrent, fresh: { type: 'gru', units: 8 } },
  multi_head_attention: {
    title: 'Attention',
    group: 'Sequences',
    titles: heads,
    fresh: { type: 'multi_head_attention', heads: 2 },
  },
  additive_attention: {
    title: 'Additive att.',
    group: 'Sequences',
    titles: units,
    fresh: { type: 'additive_attention', units: 8 },
  },
  transformer_block: {
    title: 'Transformer',
    group: 'Sequences',
    fresh: { type: 'transformer_block', heads: 2, hidden: 16 },
    titles: {
      ...heads,
      hidden: 'Hidden units',
      ...activation,
      norm: more('Norm'),
      dropout: share('Dropout', { more: true }),
    },
  },
}

export const LAYERS = mapped(LAYER_TITLES, ({ titles, ...layer }, type) => ({
  ...layer,
  fields: fieldsOf((schema.layers as Descriptions)[type]!, { ...titles, ...named }),
}))

export const layerFields = (type: LayerType): readonly Field[] => LAYERS[type].fields

const learning_rate: Own = { label: 'Learning rate', slider: 'rate' }
const momentum = share('Momentum')
const weight_decay = more('Weight decay')
const betas: Titles = { beta_1: more('Beta 1'), beta_2: more('Beta 2') }

interface Kind {
  title: string
  fields: readonly Field[]
}

type Type<T extends 'optimizer' | 'schedule'> = NonNullable<Spec[T]>['type']

const OPTIMIZER_TITLES: Record<Type<'optimizer'>, Titles> = {
  adam: { learning_rate, ...betas, ...epsilon },
  sgd: { learning_rate },
  momentum: { learning_rate, momentum },
  nesterov: { learning_rate, momentum },
  adagrad: { learning_rate, ...epsilon },
  rmsprop: { learning_rate, decay: more('Decay'), ...epsilon },
  adamw: { learning_rate, weight_decay, ...betas, ...epsilon },
  lion: { learning_rate, weight_decay, ...betas },
  muon: { learning_rate, momentum, weight_decay, adam_fraction: more('Fraction of AdamW') },
  perceptron: { learning_rate },
}

export const OPTIMIZERS: Record<string, Kind> = mapped(OPTIMIZER_NAMES, (title, type) => ({
  title,
  fields: fieldsOf((schema.optimizers as Descriptions)[type]!, OPTIMIZER_TITLES[type]),
}))

type FreshTitles<K extends string = string> = Record<
  K,
  [title: string, fresh: Record<string, unknown>, titles: Titles]
>
type FreshKind = Kind & { fresh: Record<string, unknown> }

const SCHEDULE_TITLES: FreshTitles<Type<'schedule'>> = {
  constant: ['Constant', {}, {}],
  cosine: [
    'Cosine',
    {},
    { warmup_epochs: 'Warmup epochs', final_fraction: share('Final fraction') },
  ],
  step: [
    'Steps',
    { every: 30, factor: 0.5 },
    { every: 'Step every N epochs', factor: share('Factor') },
  ],
  exponential: ['Exponential', { decay: 0.98 }, { decay: 'Decay per epoch' }],
  one_cycle: [
    'One cycle',
    {},
    { rising_fraction: share('Rising fraction'), initial_fraction: share('Initial fraction') },
  ],
  reduce_on_plateau: [
    'Reduce on plateau',
    {},
    { factor: share('Factor'), patience: 'Patience (epochs)' },
  ],
}

const AUGMENTATION_TITLES: FreshTitles = {
  shift: ['Shift', { max_shift: 1 }, { max_shift: 'Maximum shift' }],
  noise: ['Noise', { standard_deviation: 0.05 }, { standard_deviation: 'Standard deviation' }],
  flip: ['Flip', {}, { probability: share('Probability') }],
}

const CORRUPTION_TITLES: FreshTitles<NonNullable<Spec['corruption']>['type']> = {
  mask: [
    'Masked tokens',
    { token: 0 },
    { token: 'Mask token', share: share('Share of positions') },
  ],
  diffuse: ['Noise (diffusion)', {}, { steps: 'Steps' }],
}

const fresh = (table: FreshTitles, descriptions: Descriptions): Record<string, FreshKind> =>
  mapped(table, ([title, values, titles], type) => ({
    title,
    fresh: { type, ...values },
    fields: fieldsOf(descriptions[type]!, titles),
  }))

export const SCHEDULES = fresh(SCHEDULE_TITLES, schema.schedules as Descriptions)
export const AUGMENTATIONS = fresh(AUGMENTATION_TITLES, schema.augmentations as Descriptions)
export const CORRUPTIONS = fresh(CORRUPTION_TITLES, schema.corruptions as Descriptions)

const part = (name: keyof typeof schema.parts, titles: Titles) =>
  fieldsOf((schema.parts as unknown as Descriptions)[name]!, titles)

export const LOSS_OPTIONS: Record<string, Field> = Object.fromEntries(
  part('loss_options', {
    delta: { label: 'Delta', initial: 1 },
    gamma: { label: 'Gamma', initial: 2 },
    label_smoothing: share('Label smoothing', { initial: 0 }),
  }).map((parameter) => [parameter.name, parameter]),
)
export const PART_FIELDS: Record<string, readonly Field[]> = {
  regularization: part('regularization', { l2: 'L2 penalty', l1: 'L1 penalty' }),
  clipping: part('clipping', {
    norm: { label: 'Maximum norm', hint: 'no limit if empty' },
    value: { label: 'Maximum value', hint: 'no limit if empty' },
  }),
  early_stopping: part('early_stopping', {
    patience: 'Patience (epochs)',
    min_delta: 'Minimum improvement',
  }),
  snapshots: part('snapshots', {
    gradients_every: 'Gradient statistics every',
    weights_every: { label: 'Weights every', hint: 'about 20 times if empty' },
    thin_weights_after: { label: 'Thin them after', hint: 'the latest N; never if empty' },
  }),
}

function mapped<K extends string, A, B>(table: Record<K, A>, to: (value: A, key: K) => B) {
  const entries = Object.entries(table) as [K, A][]
  return Object.fromEntries(entries.map(([key, value]) => [key, to(value, key)])) as Record<K, B>
}

/** Whether a job records what is usual: all gradients, and about 20 checkpoints. */
export function recordsUsual(snapshots: Spec['snapshots']): boolean {
  const { gradients_every = 1, weights_every, thin_weights_after } = snapshots ?? {}
  return gradients_every === 1 && weights_every === undefined && thin_weights_after === undefined
}

/** Remove default values from a complete spec, as returned for a run. */
export function tidy(spec: Spec): Spec {
  const next: Record<string, unknown> = { ...spec }
  if ('layers' in spec.network)
    next['network'] = { ...spec.network, layers: spec.network.layers.map(tidyLayer) }
  const { optimizer, regularization, snapshots, schedule, dataset } = spec
  if (optimizer) next['optimizer'] = without(optimizer, OPTIMIZERS[optimizer.type]?.fields ?? [])
  if (!regularization?.l1 && !regularization?.l2) delete next['regularization']
  if (recordsUsual(snapshots)) delete next['snapshots']
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
    Object.entries(value).filter(([name, current]) => usual.get(name) !== JSON.stringify(current)),
  ) as T
}

/** The learning rate that an optimizer begins with. */
export function initialRate(type: string): number {
  const field = OPTIMIZERS[type]?.fields.find((field) => field.name === 'learning_rate')
  return field?.kind === 'rate' ? field.initial : 0.01
}
