import { expect, test } from 'vitest'

import { sections } from '.'
import { entryOf, glossary, pieces, titleOf } from './glossary'

test('each word leads to a part of a chapter, in the order of the alphabet', () => {
  const parts = sections.flatMap(({ slug, parts }) =>
    Object.keys(parts).map((part) => `${slug}-${part}`),
  )
  for (const word of Object.values(glossary)) {
    expect(parts).toContain(word.part)
    expect(titleOf(word)).toMatch(/^[A-Z]/)
    expect(word.text).toMatch(/[.)]$/)
  }
  const words = Object.keys(glossary)
  expect(words).toEqual([...words].sort((a, b) => a.localeCompare(b, 'en')))
})

test('a word has an entry in each of its forms', () => {
  expect(entryOf('Logits')).toBe('logit')
  expect(entryOf('ai winter')).toBe('AI winter')
  expect(entryOf('logic')).toBeUndefined()
})

test.each([
  ['the first AI winter.', ['the first ', '*AI winter', '.']],
  ['RLHF after an AI winter', ['*RLHF', ' after an ', '*AI winter']],
  ['RLHF and RLHF', ['*RLHF', ' and RLHF']],
  ['nothing of it', ['nothing of it']],
  ['', []],
])('%s is divided at its words', (text, expected) => {
  const shown = pieces(text, ['AI winter', 'RLHF'])
  expect(shown.map((piece) => (piece.word ? '*' : '') + piece.text)).toEqual(expected)
  expect(shown.map((piece) => piece.text).join('')).toBe(text)
})
