import { expect, it } from 'vitest'

import type { Seen } from './seen'
import {
  candidates,
  doublings,
  languageOf,
  readable,
  separatorOf,
  strangers,
  type Language,
  type Step,
} from './write'

const NAMES = ['a', 'b', '.', ' ']
const WITHOUT: Language = {
  names: NAMES,
  separator: '',
  positions: 3,
  starts: false,
  ends: false,
}

function seen(samples: [inputs: number[], targets: number[]][], tokens = NAMES): Seen {
  return {
    class_names: NAMES,
    token_names: tokens,
    feature_names: samples[0]![0].map((_, i) => `character_${i}`),
    samples: samples.map(([inputs, target_classes]) => ({ inputs, target_classes })),
  } as unknown as Seen
}

it('a language model predicts the next token at every position', () => {
  const rows: [number[], number[]][] = [
    [
      [0, 1, 2],
      [1, 2, 3],
    ],
    [
      [1, 1, 2],
      [1, 2, 3],
    ],
  ]
  expect(languageOf(seen(rows))).toEqual(WITHOUT)
  // Sorted letters have the same shape but are not text.
  expect(
    languageOf(
      seen([
        [
          [1, 0, 2],
          [0, 1, 2],
        ],
      ]),
    ),
  ).toBeUndefined()
  expect(languageOf(seen([[[0, 1, 2], [1]]]))).toBeUndefined()
  expect(languageOf(seen(rows, ['x', 'b', '.', ' ']))).toBeUndefined()
})

it('the prompt may be empty where every row starts with the same token', () => {
  const rows: [number[], number[]][] = [
    [
      [4, 1, 2],
      [1, 2, 3],
    ],
    [
      [4, 2, 2],
      [2, 2, 1],
    ],
  ]
  expect(languageOf(seen(rows, [...NAMES, '>']))).toEqual({ ...WITHOUT, starts: true })
})

it('what fills a short row up is no text', () => {
  const rows: [number[], number[]][] = [
    [
      [2, 1, 0],
      [1, 2, -1],
    ],
    [
      [2, 0, 1],
      [0, 1, 2],
    ],
  ]
  expect(languageOf(seen(rows))).toEqual({ ...WITHOUT, starts: true, ends: true })
})

it('parts of words stand side by side, words have spaces between them', () => {
  expect(separatorOf(['a', 'b', ' ', ' ab'])).toBe('')
  expect(separatorOf(['the', 'cat', 'a'])).toBe(' ')
  const words: Language = { ...WITHOUT, names: ['the', 'cat'], separator: ' ' }
  expect(readable(words, 'The  black cat')).toBe('the cat')
  expect(strangers(words, 'The  black cat')).toEqual(['black'])
})

it('a run is shown at epochs that double, as far as they are stored', () => {
  expect(doublings([0, 1, 2, 3, 4, 5, 6])).toEqual([0, 1, 2, 4, 6])
  expect(doublings([0, 5, 10, 15, 20])).toEqual([0, 5, 10, 15, 20])
  expect(doublings([])).toEqual([])
})

it('a prompt is written as the data write it, and unknown characters are listed', () => {
  expect(readable(WITHOUT, 'Ab?')).toBe('ab')
  expect(strangers(WITHOUT, 'Ab??!')).toEqual(['?', '!'])
})

const ALL = { temperature: 1, top: 0 }
const STEP: Step = {
  text: 'a',
  probability: 0.2,
  sampling_probability: 0.2,
  context: 3,
  tool: null,
  alternatives: [
    { text: 'b', probability: 0.6 },
    { text: ' ', probability: 0.1 },
  ],
}

it('candidates are in the order of their probabilities', () => {
  expect(candidates(STEP, ALL)).toEqual([
    { text: 'b', probability: 0.6, share: expect.closeTo(0.6) },
    { text: 'a', probability: 0.2, share: 0.2 },
    { text: ' ', probability: 0.1, share: expect.closeTo(0.1) },
  ])
})

it('tokens beyond the most probable ones are not sampled', () => {
  const shares = candidates({ ...STEP, sampling_probability: 0.25 }, { ...ALL, top: 2 })
  expect(shares.map(({ share }) => share)).toEqual([expect.closeTo(0.75), 0.25, 0])
})

it('the share of a candidate follows from the temperature', () => {
  // At a temperature of 0.5, 1 to 3 becomes 1 to 9.
  const sharp = candidates({ ...STEP, sampling_probability: 0.09 }, { ...ALL, temperature: 0.5 })
  expect(sharp[0]).toEqual({ text: 'b', probability: 0.6, share: expect.closeTo(0.81) })
  const certain = candidates({ ...STEP, sampling_probability: 1 }, { ...ALL, temperature: 0 })
  expect(certain.map(({ text, share }) => [text, share])).toEqual([
    ['a', 1],
    ['b', 0],
    [' ', 0],
  ])
})
