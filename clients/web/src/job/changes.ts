/** The settings of a run that changes while it trains, and its changes in words. */
import type { Schemas } from '../lib/api'
import { format } from '../lib/api/numbers'
import { OPTIMIZER_NAMES } from './texts'

type Spec = Schemas['TrainingSpecOutput']
type Optimizer = NonNullable<Spec['optimizer']>
type Change = NonNullable<Spec['changes']>[number]
type Changed = Change['training']

/** The spec with the changes up to an epoch made, and without others. */
export function specAfter(spec: Spec, epoch = Infinity): Spec {
  let after: Spec = { ...spec, changes: [] }
  for (const { epoch: at, training } of spec.changes ?? [])
    if (at <= epoch) {
      const { optimizer: options, ...fields } = training
      after = { ...after, ...fields } as Spec
      if (options) {
        const stays = (options.type ?? after.optimizer?.type) === after.optimizer?.type
        after.optimizer = { ...(stays ? after.optimizer : {}), ...options } as Optimizer
      }
    }
  return after
}

/** The number of epochs of a run, with its changes. */
export function totalEpochs(spec: Spec): number {
  return specAfter(spec).epochs
}

/** A change in words, e.g. `learning rate 0.003, batches of 64`. */
export function inWords(change: Changed): string {
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
  ]
  return words.filter(Boolean).join(', ')
}
