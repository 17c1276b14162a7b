/** The training spec as a document: read it from a link, edit it, and fit it to its data. */
import { layerName } from '../job/texts'
import type { Schemas } from '@epochal/client'
import type { ApiProblem } from '@epochal/client'
import { tidy } from './fields'

export type Spec = Schemas['TrainingSpec']
export type Layer = Schemas['NetworkSpec']['layers'][number]
export type LayerType = Layer['type']
export type Loss = Spec['loss']
export type Task = Schemas['Dataset']['task']

/** Facts about the data that a spec depends on. */
export interface Facts {
  task: Task
  samples: number
  features: number
  classes: number
  targets: number
  /** Vocabulary size if the inputs are tokens; else 0. */
  tokens: number
  /** Whether the features are the pixels of an image. */
  images: boolean
}

export function factsOf(dataset: Schemas['Dataset']): Facts {
  return {
    task: dataset.task,
    samples: dataset.samples,
    features: dataset.features,
    classes: dataset.class_names.length,
    targets: dataset.target_names.length,
    tokens: dataset.token_names.length,
    images: dataset.feature_names.every((name) => name.startsWith('pixel')),
  }
}

/** Facts of the same data with another number of classes, features, positions or merges. */
function reshaped(
  facts: Facts,
  name: (typeof SHAPING)[number],
  value: number,
  before: number,
): Facts {
  if (name === 'length') {
    return {
      ...facts,
      features: (facts.features * value) / before,
      targets: facts.task === 'sequence' ? value : facts.targets,
    }
  }
  if (name === 'features') return { ...facts, features: value }
  if (name === 'merges') {
    const more = value - before
    return { ...facts, classes: facts.classes + more, tokens: facts.tokens + more }
  }
  if (facts.task === 'sequence')
    return { ...facts, classes: value, tokens: facts.tokens + value - before }
  return { ...facts, classes: value, task: value === 2 ? 'binary' : 'multiclass' }
}

/** Parameters of generated samples that change the shape of the inputs or outputs. */
export const SHAPING = ['classes', 'features', 'length', 'merges'] as const

/** Facts of built-in data with chosen parameters; those of the `entry` are for the `usual` ones. */
export function factsWith(
  entry: Schemas['Dataset'],
  usual: readonly { name: string; usual: number }[],
  chosen: Readonly<Record<string, unknown>>,
): Facts {
  const facts = { ...factsOf(entry), samples: Number(chosen.samples ?? entry.samples) }
  return SHAPING.reduce((facts, name) => {
    const before = usual.find((parameter) => parameter.name === name)?.usual
    return before === undefined
      ? facts
      : reshaped(facts, name, Number(chosen[name] ?? before), before)
  }, facts)
}

export const START: Spec = {
  network: {
    input_shape: [2],
    layers: [
      { type: 'dense', units: 8, activation: 'tanh' },
      { type: 'dense', units: 8, activation: 'tanh' },
      { type: 'dense', units: 1, activation: 'sigmoid' },
    ],
  },
  dataset: { name: 'two_moons', samples: 400, noise: 0.15 },
  loss: 'binary_cross_entropy',
  epochs: 100,
  batch_size: 32,
  validation_fraction: 0.2,
  optimizer: { type: 'adam', learning_rate: 0.01 },
  seed: 7,
}

/** The settings that the service suggests for the data that the lab opens with. */
export const OPENING: Spec = {
  network: {
    input_shape: [2],
    layers: [
      { type: 'dense', units: 32, activation: 'relu' },
      { type: 'dense', units: 32, activation: 'relu' },
      { type: 'dense', units: 1, activation: 'sigmoid' },
    ],
  },
  dataset: { name: 'two_moons', samples: 400, noise: 0.15, scaling: 'standard' },
  loss: 'binary_cross_entropy',
  optimizer: { type: 'adam', learning_rate: 0.01 },
  schedule: { type: 'cosine', warmup_epochs: 0, final_fraction: 0 },
  batch_size: 32,
  epochs: 250,
  validation_fraction: 0.1,
  early_stopping: { patience: 62, min_delta: 0, restore_best: true },
}

export function isSpec(value: unknown): value is Spec {
  const spec = value as Partial<Spec> | null
  return (
    typeof spec === 'object' &&
    spec !== null &&
    typeof spec.network === 'object' &&
    typeof spec.dataset === 'object' &&
    typeof spec.loss === 'string' &&
    typeof spec.epochs === 'number'
  )
}

/** Drop empty values: nulls, and empty objects and lists. */
export function compact<T>(value: T): T {
  if (Array.isArray(value)) return value.map((element) => compact(element) as unknown) as T
  if (typeof value !== 'object' || value === null) return value
  const remaining = Object.entries(value)
    .map(([name, element]) => [name, compact(element as unknown)] as const)
    .filter(([, element]) => !isNothing(element))
  return Object.fromEntries(remaining) as T
}

function isNothing(value: unknown): boolean {
  if (value === null || value === undefined) return true
  return typeof value === 'object' && Object.keys(value).length === 0
}

/** The spec as the lab edits it: without empty and default values. */
export const normalized = (spec: Spec): Spec => compact(tidy(compact(spec)))

/** Link to the lab with this spec. */
export function labLink(spec: Spec): string {
  return `/lab?lab.spec=${encodeURIComponent(JSON.stringify(compact(spec)))}`
}

export type Path = readonly (string | number)[]

/** Field name in the notation of the service: `network.layers[1].units`. */
export function pathName(path: Path): string {
  return path.reduce<string>(
    (name, part) =>
      typeof part === 'number' ? `${name}[${part}]` : name ? `${name}.${part}` : part,
    '',
  )
}

export function getAt(document: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (at, part) => (at as Record<string | number, unknown> | undefined)?.[part],
    document,
  )
}

/** A copy with `value` at `path`; `undefined` removes the field. */
export function setAt<T>(document: T, path: Path, value: unknown): T {
  const [part, ...rest] = path
  if (part === undefined) return value as T
  if (Array.isArray(document)) {
    const list = [...(document as unknown[])]
    list[part as number] = setAt(list[part as number], rest, value)
    return list as T
  }
  const copy: Record<string | number, unknown> = { ...(document as object) }
  const next = setAt(copy[part], rest, value)
  if (next === undefined) delete copy[part]
  else copy[part] = next
  return copy as T
}

/** Owner of a network that is being edited: the lab or the architecture builder. */
export interface Bench {
  /** `what` names the change if the path is not enough. */
  set(path: Path, value: unknown, what?: string): void
  /** Error of the service for the field at this path. */
  messageAt(path: Path): string | undefined
  /** Whether there is an error at this path or below it. */
  blamed(path: Path): boolean
  /** Names of the frozen layers; absent where layers cannot be frozen. */
  readonly frozen?: readonly string[]
  freeze?(name: string, on: boolean): void
}

/** Names of the frozen layers after the layers changed; without layers that were removed. */
export function frozenAfter(before: Spec, after: Spec): string[] {
  const [old, layers] = [layersOf(before), layersOf(after)]
  return (before.freeze ?? []).flatMap((name) => {
    const from = old.findIndex((_, i) => layerName(old, i) === name)
    const moved = from < 0 ? -1 : layers.indexOf(old[from]!)
    // A layer that was edited is another object, at the same place.
    const edited = old.length === layers.length && layers[from]?.type === old[from]?.type
    const to = moved < 0 && edited ? from : moved
    return to < 0 ? [] : [layerName(layers, to)]
  })
}

export const messageAt = (problem: ApiProblem | undefined, path: Path): string | undefined =>
  problem?.of(pathName(path))

export function blamed(problem: ApiProblem | undefined, path: Path): boolean {
  const name = pathName(path)
  return (
    problem?.errors.some(
      ({ field }) => field === name || field.startsWith(`${name}.`) || field.startsWith(`${name}[`),
    ) ?? false
  )
}

export function layersOf(spec: Spec): readonly Layer[] {
  return 'layers' in spec.network ? spec.network.layers : []
}

const FOR_NUMBERS: readonly Loss[] = ['mse', 'mae', 'huber']

/** Losses that apply to a task; the first is the default. */
export function lossesFor(facts: Facts): readonly Loss[] {
  if (facts.task === 'regression') return FOR_NUMBERS
  if (facts.task === 'binary') {
    const binary: Loss[] = ['binary_cross_entropy', 'cross_entropy', 'focal', 'hinge', 'perceptron']
    return [...binary, ...FOR_NUMBERS]
  }
  if (facts.task === 'sequence') return ['cross_entropy']
  return ['cross_entropy', ...FOR_NUMBERS]
}

/** Whether classes can have weights in the loss. */
export function weighsClasses(loss: Loss, facts: Facts): boolean {
  return facts.classes > 1 && !FOR_NUMBERS.includes(loss)
}

/** The numbers in a text, separated by commas or spaces; undefined if it has something else. */
export function readNumbers(text: string): number[] | undefined {
  const numbers = text
    .split(/[,\s]+/)
    .filter(Boolean)
    .map(Number)
  return numbers.length && numbers.every(Number.isFinite) ? numbers : undefined
}

type Activation = NonNullable<Schemas['DenseSpec']['activation']>

/** Units and activation of the output layer. */
export function outputFor(loss: Loss, facts: Facts): { units: number; activation: Activation } {
  if (facts.task === 'regression')
    return { units: Math.max(facts.targets, 1), activation: 'linear' }
  if (loss === 'cross_entropy') return { units: Math.max(facts.classes, 2), activation: 'softmax' }
  if (loss === 'hinge') return { units: 1, activation: 'linear' }
  if (loss === 'perceptron') return { units: 1, activation: 'step' }
  return { units: facts.task === 'multiclass' ? facts.classes : 1, activation: 'sigmoid' }
}

/** The layers with the output layer that the loss requires. */
export function endingIn(layers: readonly Layer[], units: number, activation: Activation): Layer[] {
  const last = layers.at(-1)
  const before = layers.at(-2)
  if (last?.type === 'dense') return [...layers.slice(0, -1), { ...last, units, activation }]
  if (last?.type === 'activation' && before?.type === 'dense') {
    return [...layers.slice(0, -2), { ...before, units }, { ...last, activation }]
  }
  return [...layers, { type: 'dense', units, activation }]
}

/** Change the loss, with a matching output layer and optimizer. */
export function withLoss(spec: Spec, loss: Loss, facts: Facts): Spec {
  const { units, activation } = outputFor(loss, facts)
  const next: Spec = { ...spec, loss }
  delete next.loss_options
  if (!weighsClasses(loss, facts)) delete next.class_weights
  if ('layers' in next.network) {
    next.network = { ...next.network, layers: endingIn(next.network.layers, units, activation) }
  }
  const ruled = next.optimizer?.type === 'perceptron'
  if (loss === 'perceptron' && !ruled) next.optimizer = { type: 'perceptron', learning_rate: 1 }
  if (loss !== 'perceptron' && ruled) next.optimizer = { type: 'adam', learning_rate: 0.01 }
  return next
}

export type Corruption = NonNullable<Spec['corruption']>

/** Change what is hidden in samples and predicted, with a network, a loss and a scaling for it. */
export function withCorruption(spec: Spec, corruption: Corruption | undefined, facts: Facts): Spec {
  const next: Spec = { ...spec, corruption }
  delete next.class_weights
  delete next.target_scaling
  const layers = 'layers' in spec.network ? spec.network.layers : []
  if (corruption?.type === 'mask') {
    const reads = layers.some(({ type }) => type === 'embedding')
    const ofPositions = layers
      .map(taking(corruption.token))
      .filter(({ type }) => !MERGING.includes(type))
    const reader: readonly Layer[] = reads ? ofPositions : restoring(facts)
    next.loss = 'cross_entropy'
    next.dataset = { ...spec.dataset, scaling: 'none' }
    next.network = {
      input_shape: [facts.features],
      layers: endingIn(reader, Math.max(facts.tokens, 2), 'softmax'),
    }
    return next
  }
  if (corruption?.type === 'diffuse') {
    next.loss = 'mse'
    // Pixels that are always empty have no deviation to divide by.
    next.dataset = { ...spec.dataset, scaling: facts.images ? 'minmax' : 'standard' }
    next.network = {
      input_shape: [facts.features + 1],
      layers: endingIn(isOwn(layers) ? layers : denoiser(facts), facts.features, 'linear'),
    }
    if (isSame(next.optimizer, START.optimizer)) Object.assign(next, DENOISING)
    return facts.images && CLASSIFIED.includes(facts.task) ? withClass(next, true, facts) : next
  }
  delete next.corruption
  if (isSame(next.optimizer, DENOISING.optimizer)) {
    next.optimizer = START.optimizer
    delete next.schedule
  }
  next.dataset = compact({ ...spec.dataset, scaling: scalingFor(spec.dataset, facts) })
  const isMerged = facts.task === 'sequence' || layers.some(({ type }) => MERGING.includes(type))
  const merging: Layer[] = facts.tokens && !isMerged ? [{ type: 'global_average_pool' }] : []
  next.network = {
    input_shape: [facts.features],
    layers: [...layers.slice(0, -1), ...merging, ...layers.slice(-1)],
  }
  return withLoss(next, lossesFor(facts)[0]!, facts)
}

const CLASSIFIED = ['binary', 'multiclass']

/** How noise is learned if the user has chosen no optimizer: with ever smaller steps. */
const DENOISING = {
  optimizer: { type: 'adam', learning_rate: 0.003 },
  schedule: { type: 'cosine' },
} satisfies Partial<Spec>

export const isSame = (value: unknown, other: unknown): boolean =>
  JSON.stringify(value) === JSON.stringify(other)

/** Whether a diffusion network reads the class of a sample; undefined if the data have no classes. */
export function readsClass(spec: Spec, facts: Facts): boolean | undefined {
  if (spec.corruption?.type !== 'diffuse' || !CLASSIFIED.includes(facts.task)) return undefined
  if (!('layers' in spec.network)) return undefined
  return spec.network.input_shape[0] === facts.features + 1 + facts.classes
}

/** Let a diffusion network read the class of a sample, or the sample and the time alone. */
export function withClass(spec: Spec, reads: boolean, facts: Facts): Spec {
  if (!('layers' in spec.network)) return spec
  const inputs = facts.features + 1 + (reads ? facts.classes : 0)
  return { ...spec, network: { ...spec.network, input_shape: [inputs] } }
}

/** A layer with the token in its vocabulary. */
/** Layers that make one answer of all positions; masked tokens are predicted each at its own. */
const MERGING: readonly string[] = ['flatten', 'global_average_pool', 'global_max_pool', 'slice']

const taking =
  (token: number) =>
  (layer: Layer): Layer => {
    if (layer.type === 'embedding')
      return { ...layer, vocabulary: Math.max(layer.vocabulary, token + 1) }
    const isRecurrent = layer.type === 'rnn' || layer.type === 'lstm' || layer.type === 'gru'
    return isRecurrent ? { ...layer, return_sequences: true } : layer
  }

/** Layers that see the tokens on both sides of each position. */
const restoring = (facts: Facts): Layer[] => [
  { type: 'embedding', vocabulary: facts.tokens + 1, units: 32 },
  { type: 'positional_encoding', kind: 'learned' },
  { type: 'transformer_block', heads: 4, hidden: 64 },
  { type: 'layer_norm' },
]

/** Layers that predict noise. */
const denoiser = (facts: Facts): Layer[] => [
  ...DENOISERS[facts.images ? 1 : 0]!,
  { type: 'dense', units: 1 },
]

const FLAT = new Set<LayerType>([
  'dense',
  'activation',
  'dropout',
  'layer_norm',
  'batch_norm',
  'residual',
])

/** Whether the user has built these layers, and they take any row of numbers. */
const isOwn = (layers: readonly Layer[]): boolean =>
  layers.length > 0 &&
  layers.every((layer) => FLAT.has(layer.type)) &&
  ![...ROOMY, ...DENOISERS].some((choice) => isSame(choice, layers.slice(0, -1)))

/** The corruption of samples of other data; nothing if they do not allow it. */
function hiddenIn(facts: Facts, corruption: Corruption): Corruption | undefined {
  if (corruption.type === 'mask')
    return facts.tokens ? { ...corruption, token: facts.tokens } : undefined
  return facts.tokens ? undefined : corruption
}

/** Change the data and keep all settings that still apply. */
export function withData(spec: Spec, dataset: Spec['dataset'], facts: Facts): Spec {
  // If the user has not built a network, choose one that suits the data.
  const sequence = readerFor(dataset, facts)
  const built = !sequence && isOwn(layersOf(spec))
  const layers: readonly Layer[] = built
    ? layersOf(spec)
    : [...(sequence ?? hidden(facts)), { type: 'dense', units: 1 }]
  const losses = lossesFor(facts)
  const few = facts.samples < HANDFUL
  const inEpoch = steps({ ...spec, epochs: 1 }, facts.samples)
  // A growing drawing is the same data, so keep its settings.
  const before = 'inputs' in spec.dataset && 'inputs' in dataset ? spec.dataset : undefined
  const grown = before !== undefined && before.inputs.length >= HANDFUL
  const next: Spec = {
    ...spec,
    dataset: compact({
      ...dataset,
      scaling: before ? before.scaling : (dataset.scaling ?? scalingFor(dataset, facts)),
    }),
    network: { input_shape: [facts.features], layers: [...layers] },
    validation_fraction: few
      ? 0
      : grown
        ? spec.validation_fraction
        : spec.validation_fraction || 0.2,
    // With few samples, an epoch has few steps, so use more epochs.
    epochs: sequence
      ? Math.ceil((2 * ENOUGH) / inEpoch)
      : Math.max(
          spec.epochs,
          before ? 0 : Math.min(500, 100 * Math.ceil(ENOUGH / (100 * inEpoch))),
        ),
  }
  if (!before) {
    // A group column, a validation set and a weight for each class belong to the data.
    if (next.class_weights !== 'balanced') delete next.class_weights
    delete next.split
    delete next.validation_dataset
  }
  const loss = losses.includes(spec.loss) ? spec.loss : losses[0]!
  if (few) delete next.early_stopping
  if (few && isSame(next.optimizer, START.optimizer))
    next.optimizer = { type: 'adam', learning_rate: 0.05 }
  const fitted = withLoss(next, loss, facts)
  return spec.corruption ? withCorruption(fitted, hiddenIn(facts, spec.corruption), facts) : fitted
}

/** Below this number of samples, use no validation. */
const HANDFUL = 20
/** Number of steps that a small network needs on simple data. */
const ENOUGH = 1200

function hidden(facts: Facts): readonly Layer[] {
  return ROOMY[facts.features > 8 ? 1 : 0]!
}

/** Default hidden layers for few and for many inputs. */
const ROOMY: readonly (readonly Layer[])[] = [
  [
    { type: 'dense', units: 8, activation: 'tanh' },
    { type: 'dense', units: 8, activation: 'tanh' },
  ],
  [{ type: 'dense', units: 32, activation: 'relu' }],
]

/** Default hidden layers that predict the noise of points and of images. */
const DENOISERS: readonly (readonly Layer[])[] = [
  Array.from({ length: 3 }, () => ({ type: 'dense', units: 64, activation: 'silu' })),
  Array.from({ length: 2 }, () => ({ type: 'dense', units: 256, activation: 'silu' })),
]

/** Layers for sequence data; undefined for other data. */
function readerFor(dataset: Spec['dataset'], facts: Facts): readonly Layer[] | undefined {
  const name = 'name' in dataset ? dataset.name : ''
  if (name === 'adding')
    return [
      { type: 'reshape', shape: [facts.features / 2, 2] },
      { type: 'gru', units: 16 },
    ]
  if (facts.task !== 'sequence') return undefined
  const letters: Layer = { type: 'embedding', vocabulary: facts.tokens, units: 32 }
  if (name === 'sorting') {
    return [
      letters,
      { type: 'positional_encoding', kind: 'learned' },
      { type: 'transformer_block', heads: 4, hidden: 64 },
      { type: 'layer_norm' },
    ]
  }
  // The inputs also contain the targets so far; a causal network cannot copy the next one.
  const unasked = facts.features - facts.targets
  return [
    letters,
    { type: 'gru', units: 64, return_sequences: true },
    ...(unasked ? [{ type: 'slice', start: unasked } satisfies Layer] : []),
  ]
}

const OF_ONE_UNIT = new Set(['blobs', 'adding'])

/** Standardize measured columns, which have different units; points and images need no scaling. */
function scalingFor(dataset: Spec['dataset'], facts: Facts): 'standard' | undefined {
  if (facts.task === 'sequence') return undefined
  if ('id' in dataset) return 'standard'
  return 'name' in dataset && facts.features > 2 && !facts.images && !OF_ONE_UNIT.has(dataset.name)
    ? 'standard'
    : undefined
}

/** The suggested settings. A run is named after its file when it starts, so they have no name. */
export function suggestedSpec(suggestion: Schemas['Suggestion']): Spec {
  return normalized({ ...suggestion.spec, name: undefined })
}

/** The source of a suggestion, as text: not on the scaling, or on which samples are drawn. */
export function sourceOf(dataset: Spec['dataset']): string | undefined {
  if ('inputs' in dataset) return undefined
  const rest: Record<string, unknown> = { ...dataset }
  for (const name of ['scaling', 'noise', 'seed']) delete rest[name]
  return JSON.stringify(compact(rest))
}

/** Fields of the suggestion's reasons that have another value in `spec`. */
export function changedFrom(suggestion: Schemas['Suggestion'], spec: Spec): Set<string> {
  const suggested = suggestedSpec(suggestion)
  const at = (document: Spec, field: string) => JSON.stringify(getAt(document, field.split('.')))
  return new Set(
    suggestion.reasons
      .map(({ field }) => field)
      .filter((field) => at(suggested, field) !== at(spec, field)),
  )
}

/** Number of optimizer steps in the run. */
export function steps(spec: Spec, samples: number): number {
  return spec.epochs * Math.ceil(samples / Math.min(spec.batch_size ?? 32, samples || 1))
}
