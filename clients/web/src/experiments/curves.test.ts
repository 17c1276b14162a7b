import { expect, test } from 'vitest'

import { lastEpoch, metricsOf, seriesOf, type JobCurve } from './curves'

const CURVES: JobCurve[] = [
  { job: 'rule', series: [{ metric: 'train_loss', epochs: [1, 2, 4], values: [1, 'NaN', 3] }] },
  {
    job: 'hidden',
    series: [
      { metric: 'train_loss', epochs: [1, 8], values: [2, 0.5] },
      { metric: 'train_accuracy', epochs: [1, 8], values: [0.5, 1] },
    ],
  },
]

test('each job with the metric is a series, with the color of its place', () => {
  expect(seriesOf(CURVES, 'train_accuracy')).toEqual([
    { name: 'hidden', x: [1, 8], y: [0.5, 1], color: 'var(--series-2)', dashed: false },
  ])
})

test('a few jobs keep the colors that they have among all', () => {
  const names = seriesOf(CURVES, 'train_loss', Infinity, ['hidden']).map(({ name, color }) => [
    name,
    color,
  ])
  expect(names).toEqual([['hidden', 'var(--series-2)']])
})

test('series end at the epoch', () => {
  const [rule, hidden] = seriesOf(CURVES, 'train_loss', 2)
  expect(rule!.x).toEqual([1, 2])
  expect(rule!.y).toEqual([1, NaN])
  expect(hidden!.x).toEqual([1])
})

test('the metrics of the claims come first', () => {
  expect(metricsOf(CURVES, ['train_accuracy', 'parameters'])).toEqual([
    'train_accuracy',
    'train_loss',
  ])
})

test('a chart ends with the last epoch of its metrics', () => {
  expect(lastEpoch(CURVES, ['train_loss'])).toBe(8)
  expect(lastEpoch(CURVES.slice(0, 1), ['train_loss'])).toBe(4)
  expect(lastEpoch(CURVES.slice(0, 1), ['train_accuracy'])).toBe(1)
})
