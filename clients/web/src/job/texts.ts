/** Texts about a run: its network, state, duration and settings. */
import type { Schemas } from '@epochal/client'
import { count, format, toNumber } from '../lib/api/numbers'

type Job = Schemas['Job']
type Spec = Schemas['TrainingSpec']
export type State = NonNullable<Job['state']>

export const isOver = (state: State | undefined): boolean =>
  state === 'succeeded' || state === 'failed' || state === 'cancelled'

const GATES = new Set(['and', 'or', 'xor', 'nand', 'nor', 'xnor'])

export function datasetName(spec: Spec): string {
  const { dataset } = spec
  if ('name' in dataset)
    return GATES.has(dataset.name) ? dataset.name.toUpperCase() : dataset.name.replaceAll('_', ' ')
  if ('id' in dataset) return 'your data'
  // A list of runs has no rows.
  return dataset.inputs.length ? `${dataset.inputs.length} inline samples` : 'inline samples'
}

export function nameOf(job: Job): string {
  return job.spec.name ?? capital(datasetName(job.spec))
}

export function lossName(loss: string): string {
  return (
    {
      mse: 'mean squared error',
      mae: 'mean absolute error',
      huber: 'Huber loss',
      hinge: 'hinge loss',
      focal: 'focal loss',
      preference: 'preference loss',
      cross_entropy: 'cross-entropy',
      binary_cross_entropy: 'binary cross-entropy',
    }[loss] ?? loss.replaceAll('_', ' ')
  )
}

/** Readable name of a metric: `best_train_loss` becomes `best training loss`. */
export const metricName = (name: string): string =>
  name
    .replace(/(^|_)train_/, '$1training_')
    .replace(/^kl$/, 'KL divergence')
    .replaceAll('_', ' ')

export const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

export interface Step {
  size: string
  note: string
  /** Number of equal layers in a row. */
  times: number
}

/** Name of a layer in the service: its own, or type and position. */
export const layerName = (
  layers: readonly Schemas['NetworkSpec']['layers'][number][],
  i: number,
): string => layers[i]!.name ?? `${layers[i]!.type}_${i + 1}`

/** The layers of the network from the input on, with equal neighbors merged. */
export function walk(spec: Spec): Step[] {
  if (!('layers' in spec.network)) return []
  const steps: Step[] = [{ size: spec.network.input_shape.join('×'), note: '', times: 1 }]
  for (const [i, layer] of spec.network.layers.entries()) {
    const isFrozen = spec.freeze?.includes(layerName(spec.network.layers, i))
    const { size, note } = stepOf(layer)
    const step = { size, note: isFrozen ? `${note}, frozen` : note }
    const last = steps.at(-1)!
    if (steps.length > 1 && last.size === step.size && last.note === step.note) last.times += 1
    else steps.push({ ...step, times: 1 })
  }
  return steps
}

function stepOf(layer: Schemas['NetworkSpec']['layers'][number]): { size: string; note: string } {
  const { type } = layer
  if (type === 'dense') return { size: String(layer.units), note: layer.activation ?? 'linear' }
  if (type === 'dropout') return { size: '', note: `dropout ${format(layer.rate)}` }
  if (type === 'activation') return { size: '', note: layer.activation.replaceAll('_', ' ') }
  const note = type.replaceAll('_', ' ')
  if ('filters' in layer) return { size: String(layer.filters), note }
  return 'units' in layer ? { size: String(layer.units), note } : { size: '', note }
}

/**
 * Short text for a state and its stop reason. A run that is no better than a constant says so; its
 * numbers follow in `job.warning`.
 */
export function verdict(
  job: Pick<Job, 'stop_reason' | 'warning'>,
  state: State | undefined,
): string {
  const { stop_reason: reason } = job
  if (state === 'succeeded' && job.warning) return job.warning.split(':')[0]!
  if (state === 'waiting') return 'Waiting for another run'
  if (state === 'queued') return 'Waiting for a worker'
  if (state === 'pausing') return 'Pausing after this epoch'
  if (state === 'cancelling') return 'Stopping after this epoch'
  if (state === 'paused') return 'Paused'
  if (state === 'running') return 'Training'
  if (state === 'cancelled')
    return reason === 'dependency_failed' ? 'Cancelled: it needs another run' : 'Cancelled'
  const reasons: Record<string, string> = {
    completed: 'Finished',
    early_stopped: 'Stopped early',
    target_reached: 'Reached its target',
    diverged: 'Diverged',
    deadline_exceeded: 'Deadline exceeded',
    attempts_exhausted: 'Out of attempts',
    out_of_memory: 'Out of memory',
    user: 'Stopped by the user',
    internal: 'Failed',
  }
  return reasons[reason ?? 'completed'] ?? capital((reason ?? state ?? '').replaceAll('_', ' '))
}

/** The text of a figure that waits for the first epoch of a run, or its first stored weights. */
export function awaited(state: State | undefined, epoch = 0): string {
  if (state === undefined) return 'Loading the run'
  if (state !== 'running') return verdict({ stop_reason: null, warning: null }, state)
  return epoch ? 'Training until weights are stored' : 'Training the first epoch'
}

/** Explanation of the stop reason, if it needs one. */
export function why(job: Job): string | undefined {
  const { stop_reason: reason, spec } = job
  if (reason === 'early_stopped')
    return `The loss did not improve for ${spec.early_stopping?.patience ?? 'some'} epochs.`
  if (reason === 'target_reached' && spec.target)
    return `${capital(metricName(spec.target.metric))} reached ${format(spec.target.value)}.`
  if (reason === 'attempts_exhausted') return 'Its worker stopped unexpectedly in every attempt.'
  if (reason === 'out_of_memory')
    return 'It needed more memory than it may use. A smaller batch needs less.'
  if (reason === 'dependency_failed') return job.detail ?? undefined
  if (reason === 'internal')
    return 'An internal error of the service stopped the run. The network is not the cause.'
  const isValidated = spec.validation_fraction || spec.validation_dataset
  if (reason === 'completed' && 'id' in spec.dataset && !isValidated)
    return 'No samples were left for validation: the losses say nothing about new samples.'
  return undefined
}

/** `0.11 s`, `8 s`, `2 min 5 s`, `3 h 10 min`. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '–'
  if (seconds < 0.95) return `${format(seconds, 2)} s`
  if (seconds < 9.95) return `${seconds.toFixed(1).replace('.0', '')} s`
  const whole = Math.round(seconds)
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return `${Math.floor(whole / 60)} min${whole % 60 ? ` ${whole % 60} s` : ''}`
  return `${Math.floor(whole / 3600)} h${Math.floor((whole % 3600) / 60) ? ` ${Math.floor((whole % 3600) / 60)} min` : ''}`
}

/** Estimated remaining seconds, from the mean duration of the last epochs. */
export function timeLeft(
  epochs: number,
  done: number,
  seconds: readonly number[],
  pace = 0,
): number | undefined {
  const recent = seconds.slice(-20).filter(Number.isFinite)
  if (!recent.length || done >= epochs) return undefined
  const mean = recent.reduce((sum, value) => sum + value, 0) / recent.length
  return (epochs - done) * Math.max(mean, pace ? 1 / pace : 0)
}

export function wallClock(job: Job): number | undefined {
  if (!job.started_at || !job.finished_at) return undefined
  return (Date.parse(job.finished_at) - Date.parse(job.started_at)) / 1000
}

/** Names of the optimizers, in the order of the lab. */
export const OPTIMIZER_NAMES: Record<NonNullable<Spec['optimizer']>['type'], string> = {
  adam: 'Adam',
  sgd: 'SGD',
  momentum: 'SGD with momentum',
  nesterov: 'Nesterov momentum',
  adagrad: 'Adagrad',
  rmsprop: 'RMSprop',
  adamw: 'AdamW',
  lion: 'Lion',
  muon: 'Muon',
  perceptron: 'Perceptron rule',
}

/** Summary of data, loss and optimizer. */
export function summary(job: Job): string {
  const { spec } = job
  const held = spec.validation_fraction ?? 0
  const { type = 'adam', learning_rate: rate = 0.01 } = spec.optimizer ?? {}
  const how =
    type === 'perceptron'
      ? `Perceptron rule, learning rate ${format(rate)}`
      : `${capital(lossName(spec.loss))}${classWeights(spec)}, minimized with ${OPTIMIZER_NAMES[type]}, learning rate ${format(rate)}`
  const validation = held
    ? `, ${Math.round(held * 100)} % of the data for validation`
    : spec.validation_dataset
      ? ', a data set of its own for validation'
      : ''
  return `${capital(count(job.parameters))} parameter${job.parameters === 1 ? '' : 's'}, ${count(job.samples)} training samples${validation}. ${how}, batch size ${spec.batch_size ?? 32}, random seed ${spec.seed ?? 0}.`
}

/** The class weights of a spec as a part of a sentence. */
function classWeights({ class_weights: weights }: Job['spec']): string {
  if (!weights) return ''
  return weights === 'balanced'
    ? ' with balanced classes'
    : ` with class weights ${weights.map((weight) => format(toNumber(weight))).join(', ')}`
}

export function number(value: Schemas['Number'] | null | undefined): number | undefined {
  return value === null || value === undefined ? undefined : toNumber(value)
}
