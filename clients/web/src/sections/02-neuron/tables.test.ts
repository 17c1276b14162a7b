import { expect, test } from 'vitest'

import { answers, flipped, TABLES, title } from './tables'

test('a table has four outputs', () => {
  expect(answers('and')).toEqual([0, 0, 0, 1])
  expect(answers('xor')).toEqual([0, 1, 1, 0])
  expect(answers('x1')).toEqual([0, 0, 1, 1])
  expect(answers('x2_implies_x1')).toEqual([1, 0, 1, 1])
})

test('flipping a row gives another table, and flipping it twice the same one', () => {
  expect(flipped('or', 3)).toBe('xor')
  expect(flipped('false', 0)).toBe('nor')
  for (const name of TABLES) expect(flipped(flipped(name, 2), 2)).toBe(name)
})

test('all tables have unique names', () => {
  expect(new Set(TABLES.map(title)).size).toBe(16)
})
