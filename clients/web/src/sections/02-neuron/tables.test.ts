import { expect, test } from 'vitest'

import { answers, flipped, TABLES, title } from './tables'

test('a table has its four answers', () => {
  expect(answers('and')).toEqual([0, 0, 0, 1])
  expect(answers('xor')).toEqual([0, 1, 1, 0])
  expect(answers('x1')).toEqual([0, 0, 1, 1])
  expect(answers('x2_implies_x1')).toEqual([1, 0, 1, 1])
})

test('another answer in one row is another table, and twice the same one', () => {
  expect(flipped('or', 3)).toBe('xor')
  expect(flipped('false', 0)).toBe('nor')
  for (const name of TABLES) expect(flipped(flipped(name, 2), 2)).toBe(name)
})

test('all have names of their own', () => {
  expect(new Set(TABLES.map(title)).size).toBe(16)
})
