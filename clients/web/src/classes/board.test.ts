import { expect, test } from 'vitest'

import type { Schemas } from '../lib/api'
import { boardTable, percent, points, predicted } from './board'

const pupil = (
  owner: string,
  predictions: Schemas['PupilPrediction'][],
  exercises: Schemas['PupilExercise'][],
): Schemas['PupilRow'] => ({
  owner,
  section: predictions[0]?.section ?? null,
  seen_at: null,
  before: predictions.length ? [true, false] : [],
  after: [],
  predictions,
  exercises,
})
const board = {
  name: '10b',
  pupils: [
    pupil(
      '10b.01',
      [{ section: 'neuron', first: 0, last: 1 }],
      [{ exercise: 'exr_1', attempts: 2, solved: true, job: 'job_1' }],
    ),
    pupil(
      '10b.02',
      [{ section: 'neuron', first: null, last: null }],
      [{ exercise: 'exr_1', attempts: 0, solved: false, job: null }],
    ),
    pupil('10b.03', [], []),
  ],
  exercises: [{ id: 'exr_1', title: 'XOR' }],
  paired: 0,
  gains: ['programmed', 'storage', 'all'].map((item) => ({
    item,
    title: item,
    misconception: '',
    sources: [],
    before: null,
    after: null,
    difference: null,
    low: null,
    high: null,
  })),
  statement: '',
  stored: { pupils: 3, jobs: 0, attempts: 0, answers: 0, other: 0 },
} satisfies Schemas['Board']
const solutions = { neuron: { prediction: { choices: ['a', 'b', 'c'], answer: 1 } } }

test('A prediction counts for the pupils who chose, at first and at last', () => {
  expect(predicted(board, 'neuron', 1)).toEqual({ pupils: 1, first: 0, last: 1 })
  expect(predicted(board, 'loss', 1)).toEqual({ pupils: 0, first: 0, last: 0 })
})

test('The table has a row for each pupil and no choice where none was made', () => {
  const { columns, rows } = boardTable(board, solutions)
  expect(columns.slice(2)).toEqual([
    'programmed_before',
    'programmed_after',
    'storage_before',
    'storage_after',
    'neuron_first_right',
    'neuron_last_right',
    'exr_1_attempts',
    'exr_1_solved',
  ])
  expect(rows[0]).toEqual(['10b.01', 'neuron', 1, null, 0, null, 0, 1, 2, 1])
  expect(rows[1]).toEqual(['10b.02', 'neuron', 1, null, 0, null, null, null, 0, 0])
})

test('Shares and differences are written for people', () => {
  expect([percent(0.254), percent(null)]).toEqual(['25 %', '–'])
  expect([points(0.2), points(-0.2), points(0), points(null)]).toEqual(['+20', '−20', '0', '–'])
})
