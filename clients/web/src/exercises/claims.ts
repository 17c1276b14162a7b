/** Metrics that a claim about a job can have. */
import type { Schemas } from '../lib/api'

export type Metric = Schemas['ClaimSpec']['metric']
type Spec = Schemas['TrainingSpec']

const COUNTS: readonly Metric[] = ['parameters', 'epochs', 'steps']

/** The metrics of the job, those of validation first. The service checks the claim. */
export function metricsOf(spec: Spec): Metric[] {
  const kinds: readonly string[] = [
    ...(['mse', 'mae', 'huber'].includes(spec.loss) ? [] : ['accuracy']),
    'loss',
  ]
  const validates = (spec.validation_fraction ?? 0) > 0 || Boolean(spec.validation_dataset)
  const parts = validates ? ['validation', 'train'] : ['train']
  const ofEpochs = parts.flatMap((part) => kinds.map((kind) => `${part}_${kind}` as Metric))
  const ofTexts: readonly Metric[] = spec.rollouts ? ['reward', 'kl'] : []
  return [...ofEpochs, ...ofTexts, ...COUNTS]
}

/** Whether less of it is better, so that a claim usually has an upper bound. */
export const isCost = (metric: Metric): boolean =>
  metric.endsWith('loss') || metric === 'kl' || COUNTS.includes(metric)
