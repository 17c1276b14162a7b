import { expect, test } from 'vitest'

import { gapAt, gapsOf, topicOf, topicShares, unmasked } from './gaps'
import type { Seen } from './seen'

const NAMES = ['sea1', 'sea2', 'city1', 'the', '[topic]', '_']
const REPLY = {
  epoch: 3,
  rows: [],
  inputs: [
    [4, 5, 3, 1],
    [4, 0, 5, 1],
    [4, 0, 3, 5],
  ],
  token_names: NAMES,
  lengths: [4, 4, 4],
  layers: [
    {
      name: 'dense_1',
      shape: [3, 5],
      values: [0.2, 0.4, 0.1, 0.3, 0, 0.1, 0.1, 0.1, 0.6, 0.1, 0.25, 0.25, 0.25, 0.25, 0],
    },
  ],
  logits: null,
}

test('each row hides another word of the sentence', () => {
  const { words, gaps } = gapsOf(REPLY)
  expect(words).toEqual(['sea1', 'the', 'sea2'])
  expect(gaps.map(({ at, hidden }) => [at, hidden])).toEqual([
    [0, 'sea1'],
    [1, 'the'],
    [2, 'sea2'],
  ])
})

test('guesses are ordered by their probability, and summed by topic', () => {
  const [first] = gapsOf(REPLY).gaps
  expect(first!.guesses.map(({ word }) => word)).toEqual([
    'sea2',
    'the',
    'sea1',
    'city1',
    '[topic]',
  ])
  const shares = topicShares(first!)
  expect(shares.map(({ topic }) => topic)).toEqual(['city', 'sea', undefined])
  expect(shares.map(({ share }) => Math.round(100 * share))).toEqual([10, 60, 30])
})

test('words without a number and the start token have no topic', () => {
  expect([topicOf('weather40'), topicOf('the'), topicOf('[topic]')]).toEqual([
    'weather',
    undefined,
    undefined,
  ])
})

test('the chosen gap is one of several that a text has', () => {
  const reply = {
    ...REPLY,
    inputs: [[4, 5, 3, 5]],
    layers: [{ ...REPLY.layers[0]!, shape: [2, 5] }],
  }
  expect(gapAt(reply, 1, 'sea1').guesses[0]).toEqual({ word: 'sea2', probability: 0.4 })
  const last = gapAt(reply, 3, undefined)
  expect(last.hidden).toBeUndefined()
  expect(last.guesses[0]).toEqual({ word: 'the', probability: 0.6 })
})

test('what was masked in a sample is its target', () => {
  const sample = { inputs: [4, 5, 3, 5], target_classes: [-1, 0, -1, 2] }
  const seen = { samples: [sample] } as unknown as Seen
  expect(unmasked(seen, 7, 5)).toEqual([4, 0, 3, 2])
})
