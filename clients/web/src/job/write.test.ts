import { expect, it } from 'vitest'

import type { Seen } from './seen'
import {
  chance,
  draw,
  forgotten,
  grow,
  languageOf,
  rowOf,
  strangers,
  tempered,
  tokensOf,
  type Language,
} from './write'

const NAMES = ['a', 'b', '.', ' ']
const WITH_START: Language = { names: NAMES, positions: 5, start: 4 }
const WITHOUT: Language = { names: NAMES, positions: 3, start: undefined }

function seen(samples: [inputs: number[], targets: number[]][], tokens = NAMES): Seen {
  return {
    class_names: NAMES,
    token_names: tokens,
    feature_names: samples[0]![0].map((_, i) => `character_${i}`),
    samples: samples.map(([inputs, target_classes]) => ({ inputs, target_classes })),
  } as unknown as Seen
}

it('a language model predicts the next token at every position', () => {
  expect(
    languageOf(
      seen([
        [
          [0, 1, 2],
          [1, 2, 3],
        ],
      ]),
    ),
  ).toEqual(WITHOUT)
  expect(
    languageOf(
      seen(
        [
          [
            [4, 1, 2],
            [1, 2, 3],
          ],
        ],
        [...NAMES, '>'],
      ),
    ),
  ).toEqual({ ...WITHOUT, start: 4 })
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
  expect(
    languageOf(
      seen(
        [
          [
            [0, 1, 2],
            [1, 2, 3],
          ],
        ],
        ['x', 'b', '.', ' '],
      ),
    ),
  ).toBeUndefined()
})

it('a text is split into tokens, and unknown characters are listed', () => {
  expect(tokensOf(WITHOUT, 'Ab?')).toEqual([0, 1])
  expect(strangers(WITHOUT, 'Ab??!')).toEqual(['?', '!'])
})

it('a short text starts a row, and its last position predicts the next token', () => {
  expect(rowOf(WITHOUT, [1])).toEqual({ row: [1, 0, 0], place: 0 })
  expect(rowOf(WITH_START, [])).toEqual({ row: [4, 0, 0, 0, 0], place: 0 })
  expect(rowOf(WITH_START, [0, 1])).toEqual({ row: [4, 0, 1, 0, 0], place: 2 })
})

it('a long text keeps its last tokens, or whole sentences after a start token', () => {
  expect(rowOf(WITHOUT, [0, 1, 0, 1, 1])).toEqual({ row: [0, 1, 1], place: 2 })
  // "ab. b" has five tokens and four fit: drop the whole sentence, not only its first letter.
  expect(forgotten(WITH_START, [0, 1, 2, 3, 1])).toBe(4)
  expect(rowOf(WITH_START, [0, 1, 2, 3, 1])).toEqual({ row: [4, 1, 0, 0, 0], place: 1 })
  expect(rowOf(WITH_START, [0, 1, 0, 1, 1])).toEqual({ row: [4, 1, 0, 1, 1], place: 4 })
})

it('temperature sharpens or flattens the probabilities', () => {
  const message = [0.8, 0.2]
  expect(tempered(message, 1)).toEqual([expect.closeTo(0.8), expect.closeTo(0.2)])
  // 4 to 1 becomes 16 to 1, and 2 to 1.
  expect(tempered(message, 0.5)).toEqual([expect.closeTo(16 / 17), expect.closeTo(1 / 17)])
  expect(tempered(message, 2)).toEqual([expect.closeTo(2 / 3), expect.closeTo(1 / 3)])
  expect(tempered(message, 0)).toEqual([1, 0])
  expect(tempered([1, 0], 0.05)).toEqual([1, 0])
})

it('a token is sampled by its probability, and never one with probability 0', () => {
  expect([0, 0.24, 0.26, 0.999].map((number) => draw([0.25, 0.25, 0.5, 0], number))).toEqual([
    0, 0, 1, 2,
  ])
  expect(draw([0.3, 0.3, 0.3, 0], 0.99)).toBe(2)
})

it('a seed gives reproducible, uniform random numbers, different from another seed', () => {
  const thrown = Array.from({ length: 2000 }, (_, n) => chance(7, n))
  expect(thrown).toEqual(Array.from({ length: 2000 }, (_, n) => chance(7, n)))
  expect(thrown.slice(0, 3)).not.toEqual([0, 1, 2].map((n) => chance(8, n)))
  const tenths = Array.from(
    { length: 10 },
    (_, i) => thrown.filter((number) => Math.floor(10 * number) === i).length,
  )
  // 200 each, give or take five standard deviations of 13.4.
  expect(tenths.every((count) => Math.abs(count - 200) < 67)).toBe(true)
})

it('a text grows by predictions for the whole text', async () => {
  const request: (readonly number[])[] = []
  const ask = (_epoch: number, text: readonly number[]) => {
    request.push([...text])
    return Promise.resolve(text.length % 2 ? [0, 1, 0, 0] : [1, 0, 0, 0])
  }
  const question = { epoch: 1, prompt: [3], temperature: 1, seed: 0 }
  const written = []
  for await (const { token } of grow(
    ask,
    question,
    [{ token: 1, probabilities: [] }],
    new AbortController().signal,
  )) {
    written.push(token)
    if (written.length === 3) break
  }
  expect(written).toEqual([0, 1, 0])
  expect(request).toEqual([
    [3, 1],
    [3, 1, 0],
    [3, 1, 0, 1],
  ])
})
