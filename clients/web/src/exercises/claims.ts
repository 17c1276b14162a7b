/** Metrics of the API's schema that a claim about a job can have. */
import schema from '../lab/schema.json'
import type { Schemas } from '../lib/api'

export type Metric = Schemas['ClaimSpec']['metric']
type Spec = Schemas['TrainingSpec']

const FIRST: readonly Metric[] = [
  'validation_accuracy',
  'validation_loss',
  'train_accuracy',
  'train_loss',
]
const METRICS = [...new Set([...FIRST, ...(schema.parts.claim.metric.words as Metric[])])]
const COSTS: readonly Metric[] = ['kl', 'parameters', 'epochs', 'steps', 'bits_per_character']

const validates = (spec: Spec) =>
  (spec.validation_fraction ?? 0) > 0 || Boolean(spec.validation_dataset)
const hasClasses = ({ loss }: Spec) => !['mse', 'mae', 'huber'].includes(loss)
const diffuses = ({ corruption }: Spec) => corruption?.type === 'diffuse'
const writes = ({ network, loss }: Spec) =>
  ['cross_entropy', 'preference'].includes(loss) &&
  (!('layers' in network) || network.layers.some(({ type }) => type === 'embedding'))

const OF_SEQUENCES = ['embedding', 'rnn', 'lstm', 'gru']
const readsSequences = ({ network }: Spec) =>
  !('layers' in network) || network.layers.some(({ type }) => OF_SEQUENCES.includes(type))

/** The needs of some metrics. The service says what is wrong with needs that depend on data. */
const NEEDS: readonly [RegExp, (spec: Spec) => boolean][] = [
  [/^validation_|^nearest_neighbor/, validates],
  [/^(train|validation)_(accuracy|exact_match)$/, hasClasses],
  [/_exact_match$/, readsSequences],
  [/^(reward|kl|valid)$/, ({ rollouts }) => Boolean(rollouts)],
  [/^(nearest_neighbor|class)_accuracy$/, diffuses],
  [/^(novelty|bits_per_character)$/, writes],
]

/** The metrics of the job, validation first. */
export function metricsOf(spec: Spec): Metric[] {
  return METRICS.filter((metric) =>
    NEEDS.every(([pattern, isMet]) => !pattern.test(metric) || isMet(spec)),
  )
}

/** Whether less of it is better, so that a claim usually has an upper bound. */
export const isCost = (metric: Metric): boolean => metric.endsWith('loss') || COSTS.includes(metric)

/** Whether another job judges what the job generates. */
export const needsClassifier = (metric: Metric): boolean => metric === 'class_accuracy'
