import { expect, test } from 'vitest'

import { isCost, metricsOf } from './claims'

const spec = {
  network: { input_shape: [2], layers: [{ type: 'dense' as const, units: 1 }] },
  dataset: { name: 'xor' as const },
  loss: 'binary_cross_entropy' as const,
  epochs: 9,
}

test('a job without a validation part has metrics of training alone', () => {
  expect(metricsOf(spec)).toEqual(['train_accuracy', 'train_loss', 'parameters', 'epochs', 'steps'])
  expect(metricsOf({ ...spec, validation_fraction: 0.2 })[0]).toBe('validation_accuracy')
})

test('a regression has no accuracy', () => {
  const metrics = metricsOf({ ...spec, loss: 'mse', validation_fraction: 0.2 })
  expect(metrics.slice(0, 2)).toEqual(['validation_loss', 'train_loss'])
})

test('losses and sizes are to be small', () => {
  expect(metricsOf(spec).map(isCost)).toEqual([false, true, true, true, true])
})
