/** The metrics of an evaluation, as the page shows them. */
import type { Schemas } from '@epochal/client'
import { fixed, format, toNumber, type WireNumber } from '../lib/api/numbers'
import type { Series, Table } from '../lib/charts/table'

type Evaluation = Schemas['Evaluation']
export type Part = Evaluation['split']

export interface Metric {
  name: string
  value: number
  text: string
  /** The metric's meaning, in a sentence. */
  description: string
}

/** The parts of the samples that a job has; the first is the default. */
export function partsOf(spec: Schemas['TrainingSpec']): Part[] {
  const isHeld = (spec.validation_fraction ?? 0) > 0 || Boolean(spec.validation_dataset)
  return [
    ...(isHeld ? (['validation'] as const) : []),
    'train',
    ...((spec.split?.test_fraction ?? 0) > 0 ? (['test'] as const) : []),
  ]
}

/** The metrics over all classes or all targets. */
export function metricsOf({ classification, regression, sequence }: Evaluation): Metric[] {
  if (regression) return ofNumbers(regression)
  return [
    ...(sequence ? ofSequences(sequence) : []),
    ...(classification ? ofClasses(classification) : []),
  ]
}

function ofSequences(metrics: Schemas['SequenceMetrics']): Metric[] {
  return [
    metric(
      'exact match',
      metrics.exact_match,
      percent,
      'Fraction of the sequences in which every prediction is correct.',
    ),
    metric(
      'perplexity',
      metrics.perplexity,
      ratio,
      'exp(loss): the number of equally likely choices with the same loss.',
    ),
    metric(
      'bits per prediction',
      metrics.bits_per_prediction,
      ratio,
      'The loss in bits: per character of a text, or per token.',
    ),
    metric(
      'bits per character',
      metrics.bits_per_character,
      ratio,
      'The loss in bits for each character of the predicted tokens, which compares vocabularies.',
    ),
  ].flat()
}

/** The accuracy at each position of the sequences, from 1; undefined for others. */
export function positionsOf({ sequence }: Evaluation): Series | undefined {
  if (!sequence || sequence.positions.length < 2) return undefined
  return {
    name: 'accuracy',
    x: sequence.positions.map((row) => row.position + 1),
    y: sequence.positions.map((row) => toNumber(row.accuracy)),
    color: 'var(--series-2)',
  }
}

function ofClasses(metrics: Schemas['ClassificationMetrics']): Metric[] {
  const positive = metrics.positive_class
  const scope = positive ? ` of ${positive}` : ', mean of the classes'
  return [
    metric('accuracy', metrics.accuracy, percent, 'Fraction of correct predictions.'),
    metric(
      'balanced accuracy',
      metrics.balanced_accuracy,
      percent,
      'Mean of the recalls of the classes, so that each class counts the same.',
    ),
    metric(
      `precision${scope}`,
      metrics.precision,
      ratio,
      'Fraction of the predictions of a class that are correct.',
    ),
    metric(
      `recall${scope}`,
      metrics.recall,
      ratio,
      'Fraction of the samples of a class that are found.',
    ),
    metric(`F1${scope}`, metrics.f1, ratio, 'Harmonic mean of precision and recall.'),
    metric(
      'ROC AUC',
      metrics.roc_auc,
      ratio,
      'Probability that a sample of the class gets a higher score than one of another class.',
    ),
  ].flat()
}

function ofNumbers(metrics: Schemas['RegressionMetrics']): Metric[] {
  const scope = metrics.targets.length === 1 ? ` of ${metrics.targets[0]!.name}` : ''
  return [
    metric(
      `RMSE${scope}`,
      metrics.rmse,
      format,
      'Root of the mean squared error, in the unit of the target.',
    ),
    metric(`MAE${scope}`, metrics.mae, format, 'Mean absolute error, in the unit of the target.'),
    metric(
      'R²',
      metrics.r2,
      ratio,
      'Explained fraction of the variance: 1 at best, 0 for always predicting the mean.',
    ),
  ].flat()
}

const percent = (value: number) => `${fixed(100 * value, 1)} %`
const ratio = (value: number) => (Math.abs(value) < 100 ? fixed(value, 3) : format(value))

/** A list of one metric, or of none if it is not defined. */
function metric(
  name: string,
  value: WireNumber | null | undefined,
  write: (value: number) => string,
  description: string,
): Metric[] {
  if (value === null || value === undefined) return []
  return [{ name, value: toNumber(value), text: write(toNumber(value)), description }]
}

/** The metrics of each class, or of each of several targets; undefined for a single target. */
export function rowsOf({ classification, regression }: Evaluation): Table | undefined {
  const number = (value: WireNumber | null | undefined) => (value == null ? null : toNumber(value))
  if (classification)
    return {
      columns: ['class', 'precision', 'recall', 'F1', 'ROC AUC', 'support'],
      rows: classification.classes.map((row) => [
        row.name,
        ...[row.precision, row.recall, row.f1, row.roc_auc, row.support].map(number),
      ]),
    }
  if (!regression || regression.targets.length < 2) return undefined
  return {
    columns: ['target', 'RMSE', 'MAE', 'R²'],
    rows: regression.targets.map((row) => [row.name, ...[row.rmse, row.mae, row.r2].map(number)]),
  }
}

/** A sentence on the best constant prediction, and whether that is better than the network. */
export function baselineOf({
  classification,
  regression,
  predictions,
}: Evaluation): { text: string; isBetter: boolean } | undefined {
  if (regression) {
    if (regression.targets.length > 1) return undefined
    const [rmse, r2] = [toNumber(regression.rmse), toNumber(regression.r2)]
    const isBetter = !(r2 > 0)
    const mean = r2 < 1 ? rmse / Math.sqrt(1 - r2) : NaN
    if (!Number.isFinite(mean)) return undefined
    return {
      text: `Always predicting the mean has an RMSE of ${format(mean)}${isBetter ? ': the network is not better' : ''}.`,
      isBetter,
    }
  }
  if (!classification) return undefined
  const supports = classification.classes.map((row) => row.support)
  // Several binary outputs share their samples.
  if (supports.reduce((sum, support) => sum + support, 0) !== predictions) return undefined
  const most = Math.max(...supports) / predictions
  const isBetter = !(toNumber(classification.accuracy) > most)
  const name = classification.classes[supports.indexOf(Math.max(...supports))]!.name
  return {
    text: `Always predicting ${name} is correct for ${percent(most)}${isBetter ? ': the network is not better' : ''}.`,
    isBetter,
  }
}
