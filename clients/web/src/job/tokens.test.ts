import { expect, test } from 'vitest'

import { spelled, tokenized } from './tokens'

test('a row of letters is a word, and a row of words has spaces', () => {
  expect(spelled(['a', 'b', ' '], [1, 0, 2, 1])).toBe('ba b')
  expect(spelled(['the', 'cat'], [0, 1, 1])).toBe('the cat cat')
})

test('a text becomes the row that it was made of', () => {
  expect(tokenized(['a', 'b', ' '], 'ba b')).toEqual({ tokens: [1, 0, 2, 1], unknown: [] })
  expect(tokenized(['the', 'cat'], ' The  cat')).toEqual({ tokens: [0, 1], unknown: [] })
})

test('what the vocabulary does not contain is named once', () => {
  expect(tokenized(['a', 'b'], 'axbx?')).toEqual({ tokens: [0, 1], unknown: ['x', '?'] })
})
