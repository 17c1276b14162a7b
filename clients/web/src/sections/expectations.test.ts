// @vitest-environment jsdom
import { expect, test } from 'vitest'

import { expectation, met } from './expectations'

test('a result at the edge of the tolerance is as expected', () => {
  expect(met({ value: 0.5, tolerance: 0.25 }, 0.75)).toBe(true)
  expect(met({ value: 0.5, tolerance: 0.25 }, 0.76)).toBe(false)
  expect(met({ value: 0.5, tolerance: 0.25 }, NaN)).toBe(false)
})

test('bounds that cannot be exceeded are left out', () => {
  expect(expectation('train_loss', 0, 0.05)).toBe('at most 0.05')
  expect(expectation('validation_accuracy', 0.985, 0.015)).toBe('at least 97 %')
  expect(expectation('train_accuracy', 1, 0)).toBe('100 %')
  expect(expectation('validation_loss', 0.5, 0.2)).toBe('0.3 to 0.7')
})
