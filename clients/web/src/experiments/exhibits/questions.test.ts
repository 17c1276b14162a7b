import { expect, test } from 'vitest'

import { COLUMNS, leftShare, patchesOf, questionsOf, ROWS } from './questions'

const NAMES = ['e', 'n', 'o', 't', 'w', '.']
const PIXELS = Array.from({ length: ROWS * COLUMNS }, (_, i) => i)
/** Two heads, three positions, two patches: the first head looks left, the second one right. */
const LOOKS = [1, 0, 1, 0, 1, 0, 0, 1, 0, 1, 0.5, 0.5]
const token = (text: string) => ({ text, tool: null })
const generation = (text: string) => ({ samples: [{ text, tokens: [...text].map(token) }] })

const SEEN = { class_names: NAMES } as Parameters<typeof questionsOf>[0]
const REPLIES = [
  {
    inputs: [
      [...PIXELS, 6, 2, 1, 0, 5],
      [...PIXELS, 7, 3, 4, 2, 5],
      [...PIXELS, 8, 3, 4, 2, 5],
    ],
    layers: [{ name: 'seen', shape: [3, 2, 3, 2], values: [...LOOKS, ...LOOKS, ...LOOKS] }],
  },
  generation('one.'),
  generation('two.'),
  generation('ten.'),
]

test('an answer is right if all its letters and its end are', () => {
  const [[left, right, sum] = []] = questionsOf(SEEN, REPLIES)
  expect([left!.written, left!.truth, left!.isRight]).toEqual(['one', 'one', true])
  expect(right!.letters).toEqual(['t', 'w', 'o', '.'])
  expect([sum!.written, sum!.truth, sum!.isRight]).toEqual(['ten', 'two', false])
  expect(left!.pixels).toEqual(PIXELS)
})

test('of a wrong answer, the letters that follow a wrong one are not shown', () => {
  const [[, , sum] = []] = questionsOf(SEEN, REPLIES)
  expect(sum!.letters).toEqual(['t', 'e'])
})

test('attention is that of one head, or the mean of all', () => {
  const { heads } = questionsOf(SEEN, REPLIES)[0]![0]!
  expect(patchesOf(heads, 0)).toEqual([0.5, 0.5])
  expect(patchesOf(heads, 0, 1)).toEqual([1, 0])
  expect(patchesOf(heads, 2)).toEqual([0.75, 0.25])
  expect(leftShare([0.1, 0.2, 0.3, 0, 0.1, 0.1, 0.2, 0])).toBeCloseTo(0.5)
})
