import { expect, test } from 'vitest'

import { fieldTitle, steps } from './paths'

test('a path has names and indices', () => {
  expect(steps('jobs.xor.network.layers[0].units')).toEqual([
    'jobs',
    'xor',
    'network',
    'layers',
    0,
    'units',
  ])
})

test('the title of a field names the job only where there are several', () => {
  expect(fieldTitle('jobs.xor.optimizer.learning_rate', 1)).toBe('Optimizer learning rate')
  expect(fieldTitle('jobs.cnn.network.layers', 2)).toBe('cnn: Layers')
})
