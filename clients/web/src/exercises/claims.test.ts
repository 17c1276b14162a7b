import { expect, test } from 'vitest'

import schema from '../lab/schema.json'
import { isCost, metricsOf, needsClassifier } from './claims'

const spec = {
  network: { input_shape: [2], layers: [{ type: 'dense' as const, units: 1 }] },
  dataset: { name: 'xor' as const },
  loss: 'binary_cross_entropy' as const,
  epochs: 9,
}
const text = {
  ...spec,
  network: {
    input_shape: [8],
    layers: [{ type: 'embedding' as const, vocabulary: 65, units: 4 }],
  },
  loss: 'cross_entropy' as const,
}

test('a job without a validation part has no metrics of one', () => {
  const metrics = metricsOf(spec)
  expect(metrics.slice(0, 2)).toEqual(['train_accuracy', 'train_loss'])
  expect(metrics.filter((metric) => metric.startsWith('validation'))).toEqual([])
  expect(metricsOf({ ...spec, validation_fraction: 0.2 })[0]).toBe('validation_accuracy')
})

test('a regression has no accuracy', () => {
  const metrics = metricsOf({ ...spec, loss: 'mse', validation_fraction: 0.2 })
  expect(metrics.slice(0, 2)).toEqual(['validation_loss', 'train_loss'])
  expect(metrics.filter((metric) => /accuracy|exact_match/.test(metric))).toEqual([])
})

test('texts, generated samples and rollouts have metrics of their own', () => {
  expect(metricsOf(spec)).not.toContain('novelty')
  expect(metricsOf(spec)).not.toContain('train_exact_match')
  expect(metricsOf(text)).toEqual(
    expect.arrayContaining(['novelty', 'bits_per_character', 'train_exact_match']),
  )
  const points = {
    ...spec,
    loss: 'mse' as const,
    corruption: { type: 'diffuse' as const, steps: 50 },
  }
  expect(metricsOf(points)).toContain('class_accuracy')
  expect(metricsOf(points)).not.toContain('nearest_neighbor_accuracy')
  expect(metricsOf({ ...points, validation_fraction: 0.2 })).toContain('nearest_neighbor_accuracy')
  const rollouts = { reward: { bright: 1 } } as never
  expect(metricsOf({ ...text, rollouts })).toEqual(
    expect.arrayContaining(['reward', 'kl', 'valid']),
  )
})

test('some job has each metric of the schema', () => {
  const all = { ...text, validation_fraction: 0.2, rollouts: {} as never }
  const points = { ...all, corruption: { type: 'diffuse' as const, steps: 50 } }
  expect(new Set(metricsOf(points))).toEqual(new Set(schema.parts.claim.metric.words))
})

test('losses and sizes are to be small', () => {
  expect((['train_loss', 'steps', 'bits_per_character'] as const).map(isCost)).toEqual([
    true,
    true,
    true,
  ])
  expect((['train_accuracy', 'novelty'] as const).map(isCost)).toEqual([false, false])
})

test('another job judges the classes of generated samples alone', () => {
  expect(metricsOf(spec).some(needsClassifier)).toBe(false)
  expect(needsClassifier('class_accuracy')).toBe(true)
})
