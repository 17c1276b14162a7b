// @vitest-environment jsdom
import { expect, test } from 'vitest'

import { expectation, met } from './expectations'

test('a result at a bound is as expected, one beyond it or not finite is not', () => {
  const range = { minimum: 0.25, maximum: 0.75 }
  expect([0.25, 0.75, 0.24, 0.76, NaN].map((value) => met(range, value))).toEqual([
    true,
    true,
    false,
    false,
    false,
  ])
  expect(met({ minimum: null, maximum: 0.75 }, -1)).toBe(true)
  expect(met({ minimum: 0.25, maximum: null }, 9)).toBe(true)
  expect(met({ minimum: null, maximum: null }, NaN)).toBe(false)
})

test('the text names the bounds that there are', () => {
  expect(expectation('train_loss', { minimum: null, maximum: 0.05 })).toBe('at most 0.05')
  expect(expectation('validation_accuracy', { minimum: 0.97, maximum: null })).toBe('at least 97 %')
  expect(expectation('train_accuracy', { minimum: 1, maximum: null })).toBe('100 %')
  expect(expectation('validation_loss', { minimum: 0.3, maximum: 0.7 })).toBe('0.3 to 0.7')
})
