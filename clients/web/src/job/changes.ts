/** The settings of a run that changes while it trains, and its changes in words. */
import type { Schemas } from '../lib/api'
import { format } from '../lib/api/numbers'
import { OPTIMIZER_NAMES } from './texts'

type Spec = Schemas['TrainingSpecOutput']
type Settings = Schemas['TrainingSpec']
type Optimizer = NonNullable<Spec['optimizer']>
type Change = NonNullable<Spec['changes']>[number]
type Changed = Change['training']
type Request = Schemas['ChangeTrainingRequest']
type WeightChange = NonNullable<Request['weights']>[number]
type InlineDataset = Extract<Spec['dataset'], { inputs: unknown }>
type Sample = NonNullable<Changed['samples']>[number]

/** The spec with the changes up to an epoch made, and without others. */
export function specAfter(spec: Spec, epoch = Infinity): Spec {
  const made = (spec.changes ?? []).filter((change) => change.epoch <= epoch)
  const start: Spec = { ...spec, changes: [] }
  return made.reduce((after, change) => changed(after, change.training), start)
}

function changed(spec: Spec, change: Changed): Spec {
  const { optimizer: options, weights: _, samples, clear, freeze, unfreeze, ...fields } = change
  const after = { ...spec, ...fields } as Spec
  if (options) {
    const stays = (options.type ?? spec.optimizer?.type) === spec.optimizer?.type
    after.optimizer = { ...(stays ? spec.optimizer : {}), ...options } as Optimizer
  }
  if (fields.dataset) after.dataset = { ...after.dataset, scaling: spec.dataset.scaling }
  if (samples) after.dataset = withSamples(after.dataset as InlineDataset, samples)
  const frozen = [...new Set([...(spec.freeze ?? []), ...(freeze ?? [])])]
  after.freeze = frozen.filter((name) => !unfreeze?.includes(name))
  if (clear?.includes('augmentation')) after.augmentation = []
  if (clear?.includes('class_weights')) after.class_weights = null
  return after
}

/** An inline data set with samples added, replaced and removed. */
function withSamples(dataset: InlineDataset, samples: Sample[]): InlineDataset {
  const inputs = [...dataset.inputs]
  const targets = [...dataset.targets]
  const weights = [...(dataset.weights ?? [])]
  for (const { index: at, inputs: row, targets: target } of samples) {
    const index = at ?? inputs.length
    const isNew = at == null
    inputs.splice(index, 1, ...(row ? [row] : []))
    targets.splice(index, 1, ...(target ? [target] : []))
    if (weights.length && (isNew || !row)) weights.splice(index, 1, ...(row ? [1] : []))
  }
  return { ...dataset, inputs, targets, weights }
}

/** The spec of a run that repeats another one up to an epoch and changes after it. */
export function repeated(spec: Spec, epoch: number, training: Changed): Spec {
  const changing = Object.keys(training).length > 0
  const changes = (spec.changes ?? []).filter(
    // Of the next epoch, a change within it comes later.
    (change) => change.epoch < epoch || (change.epoch === epoch && !(changing && change.step)),
  )
  // The service joins changes after the same epoch.
  if (changing) changes.push({ epoch, step: 0, training })
  return { ...spec, changes }
}

/** The place of a change on an axis of epochs: one within an epoch is between two. */
export function placeOf({ epoch, step }: Change, spec: Spec, samples: number): number {
  if (!step) return epoch
  const last = spec.changes!.findLast(
    ({ training, ...at }) =>
      training.batch_size && (at.epoch < epoch || (at.epoch === epoch && (at.step ?? 0) < step)),
  )
  const steps = Math.ceil(samples / (last?.training.batch_size ?? spec.batch_size ?? 32))
  return epoch + Math.min(step / steps, 1)
}

/** Fields that a change can replace, with the values that stand for their absence. */
const CHANGEABLE = {
  epochs: undefined,
  batch_size: 32,
  schedule: { type: 'constant' },
  regularization: {},
  clipping: {},
  shuffle: true,
} as const

/** Fields that have no influence on the training. */
const ASIDE = ['name', 'notes', 'labels', 'pace', 'changes', 'snapshots', 'ttl_seconds']

const differs = (a: unknown, b: unknown) => JSON.stringify(a) !== JSON.stringify(b)

/**
 * The change that makes `after` of `before`, empty if they train alike; undefined if a run cannot
 * change so: other shapes, other data than edited points, or fewer epochs. `points`
 * are the rows of generated data.
 */
export function changeBetween(
  before: Settings,
  after: Settings,
  points?: Inline,
): Changed | undefined {
  const change: Record<string, unknown> = {}
  for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const [old, value] = [before[name as keyof Settings], after[name as keyof Settings]]
    if (ASIDE.includes(name) || !differs(old, value)) continue
    if (name === 'optimizer') {
      const options = optionsBetween(before.optimizer, after.optimizer)
      if (!options) return undefined
      change[name] = options
    } else if (name === 'network') {
      if (!hasShapesOf(before.network, after.network)) return undefined
      change[name] = value
    } else if (name === 'dataset') {
      const data = dataBetween(before.dataset, after.dataset, points)
      if (!data) return undefined
      Object.assign(change, data)
    } else if (name in CHANGEABLE) change[name] = value ?? CHANGEABLE[name as 'epochs']
    else return undefined
  }
  return after.epochs < before.epochs ? undefined : (change as Changed)
}

type Data = Settings['dataset']
type Inline = Extract<Data, { inputs: unknown }>
/** More samples than these are sent as another data set. */
const MOST_SAMPLES = 100

/**
 * Points that were edited, or the noise of a generator; undefined for other data. `points` are the
 * rows of a generator, which are split before some of them change.
 */
function dataBetween(
  before: Data,
  after: Data,
  points: Inline | undefined,
): Pick<Changed, 'dataset' | 'samples'> | undefined {
  const rest = (data: Data) =>
    JSON.stringify(
      Object.entries(data)
        .filter(([name]) => !['inputs', 'targets', 'weights', 'noise'].includes(name))
        .sort(),
    )
  if ('inputs' in before && 'inputs' in after) {
    if (rest(before) !== rest(after)) return undefined
    const samples = samplesBetween(before, after)
    return samples ? { samples } : { dataset: after as never }
  }
  const isNoisier = 'name' in before && 'name' in after && rest(before) === rest(after)
  if (isNoisier) return { dataset: after as never }
  if (!points || !('inputs' in after) || rest(points) !== rest(after)) return undefined
  const samples = samplesBetween(points, after)
  return { dataset: (samples ? points : after) as never, ...(samples?.length ? { samples } : {}) }
}

/** Samples that were moved and added, or that were removed; undefined for more than these. */
function samplesBetween(before: Inline, after: Inline): Sample[] | undefined {
  const isSame = (old: number, now: number) =>
    !differs([before.inputs[old], before.targets[old]], [after.inputs[now], after.targets[now]])
  const samples: Sample[] = []
  const removed = before.inputs.length - after.inputs.length
  let old = 0
  for (let index = 0; index < after.inputs.length; index++, old++) {
    for (; samples.length < removed && !isSame(old, index); old++) samples.push({ index })
    if (old < before.inputs.length && isSame(old, index)) continue
    const row = { inputs: after.inputs[index], targets: after.targets[index] }
    samples.push(old < before.inputs.length ? { index, ...row } : row)
  }
  for (; old < before.inputs.length; old++) samples.push({ index: after.inputs.length })
  const isPure = removed <= 0 || samples.every(({ inputs }) => !inputs)
  return isPure && samples.length <= MOST_SAMPLES ? samples : undefined
}

type Options = Readonly<Record<string, unknown>> | null | undefined

/** The options of an optimizer that differ; undefined if one of them becomes the default. */
function optionsBetween(before: Options, after: Options): Options {
  const [old, now] = [before ?? { type: 'adam' }, after ?? { type: 'adam' }]
  if (old['type'] !== now['type']) return now
  if (Object.keys(old).some((name) => !(name in now))) return undefined
  return Object.fromEntries(
    Object.entries(now).filter(([name, value]) => differs(old[name], value)),
  )
}

/** Join two changes: samples change in order, and the last value of a weight counts. */
export function joined(first: Request, second: Request): Request {
  const both = { ...first, ...second }
  if (second.optimizer) both.optimizer = { ...first.optimizer, ...second.optimizer }
  if (second.dataset) both.samples = second.samples
  else if (second.samples) both.samples = [...(first.samples ?? []), ...second.samples]
  if (second.weights) {
    const place = ({ layer, array, index }: WeightChange) => [layer, array, ...index].join()
    const all = [...(first.weights ?? []), ...second.weights]
    both.weights = [...new Map(all.map((weight) => [place(weight), weight])).values()]
  }
  return both
}

/** Whether two networks differ in activations and rates of dropout at most. */
function hasShapesOf(a: Settings['network'], b: Settings['network']): boolean {
  const free = (network: object) =>
    JSON.stringify(network, (name, value: unknown) =>
      name === 'activation' || name === 'rate' ? undefined : value,
    )
  return free(a) === free(b)
}

/** The number of epochs of a run, with its changes. */
export function totalEpochs(spec: Spec): number {
  const last = spec.changes?.findLast(({ training }) => training.epochs)
  return last?.training.epochs ?? spec.epochs
}

type Network = Extract<Spec['network'], { layers: unknown }>
type Layer = Network['layers'][number]

/** The activations of the hidden layers, which a change of the activation replaces. */
export function hiddenActivations(spec: Settings): string[] {
  if (!('layers' in spec.network)) return []
  const hidden = spec.network.layers.slice(0, -1)
  return hidden.flatMap((layer) => ('activation' in layer ? [layer.activation ?? 'linear'] : []))
}

/** The network with fields of its layers replaced, as far as a hidden layer has them. */
export function withHidden(spec: Settings, fields: Record<string, string | number>): Network {
  const network = spec.network as Network
  const last = network.layers.length - 1
  const layers = network.layers.map((layer, i) => {
    const mine = Object.entries(fields).filter(([name]) => i < last && name in layer)
    return { ...layer, ...Object.fromEntries(mine) } as Layer
  })
  return { ...network, layers }
}

/** The last change of a spec in words. */
export function lastInWords(spec: Spec): string {
  const former = { ...spec, changes: spec.changes!.slice(0, -1) }
  return inWords(spec.changes!.at(-1)!.training, specAfter(former).network as Network)
}

/** Options of layers that differ, e.g. `activation tanh`. */
function layersInWords(former: Network, network: Network): string[] {
  const differing = network.layers.flatMap((layer, i) => {
    const before = (former.layers[i] ?? {}) as Record<string, unknown>
    return Object.entries(layer).filter(
      ([name, value]) => JSON.stringify(value) !== JSON.stringify(before[name]),
    )
  })
  return [...new Set(differing.map(([name, value]) => `${name.replaceAll('_', ' ')} ${value}`))]
}

/** Samples that changed, e.g. `samples: 2 added, 1 removed`. */
function samplesInWords(samples: Sample[]): string {
  const counts = {
    added: samples.filter(({ index }) => index == null).length,
    moved: samples.filter(({ index, inputs }) => index != null && inputs).length,
    removed: samples.filter(({ inputs }) => !inputs).length,
  }
  const parts = Object.entries(counts).filter(([, count]) => count)
  return `samples: ${parts.map(([word, count]) => `${count} ${word}`).join(', ')}`
}

/** A change in words, e.g. `learning rate 0.003, batches of 64`; `former` is the network before it. */
function inWords(change: Changed, former: Network): string {
  const { type, learning_rate, ...options } = change.optimizer ?? {}
  const words = [
    type && OPTIMIZER_NAMES[type as keyof typeof OPTIMIZER_NAMES],
    learning_rate != null && `learning rate ${format(learning_rate)}`,
    ...Object.entries(options).map(([name, value]) => `${name.replace('_', ' ')} ${value}`),
    change.batch_size != null && `batches of ${change.batch_size}`,
    change.epochs != null && `${change.epochs.toLocaleString('en-US')} epochs`,
    change.schedule && `schedule ${change.schedule.type.replaceAll('_', ' ')}`,
    change.regularization && 'other penalties',
    change.clipping && 'other clipping',
    change.shuffle != null && (change.shuffle ? 'shuffled' : 'not shuffled'),
    ...(change.network ? layersInWords(former, change.network) : []),
    change.dataset && !change.samples && 'other data',
    change.samples && samplesInWords(change.samples),
    change.class_weights && 'other class weights',
    change.augmentation && 'other augmentation',
    ...(change.clear ?? []).map((name) => `no ${name.replace('_', ' ')}`),
    change.freeze && `${change.freeze.join(', ')} frozen`,
    change.unfreeze && `${change.unfreeze.join(', ')} trained again`,
    change.weights && `${change.weights.length === 1 ? 'a weight' : 'weights'} set by hand`,
  ]
  return words.filter(Boolean).join(', ')
}
