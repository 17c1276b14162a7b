import { expect, test } from 'vitest'

import { MOST, tokens } from './tokens'

test('punctuation marks are separate tokens, and a hyphenated word is one token', () => {
  expect(tokens("The cat's tail, half-wet.")).toEqual([
    'The',
    "cat's",
    'tail',
    ',',
    'half-wet',
    '.',
  ])
})

test('a sentence that is too long is cut, and an empty one has no tokens', () => {
  expect(tokens('a '.repeat(30))).toHaveLength(MOST)
  expect(tokens('  ')).toEqual([])
})
