import { expect, it } from 'vitest'

import { clean, rowsOfTexts, textsOfRows } from './rows'

const NAMES = ['.', 'a', 'b']

it('a text begins and ends with the same token, and what follows does not count', () => {
  expect(rowsOfTexts(['ab', ''], NAMES, 4)).toEqual({
    inputs: [
      [0, 1, 2, 0],
      [0, 0, 0, 0],
    ],
    targets: [
      [1, 2, 0, -1],
      [0, -1, -1, -1],
    ],
    class_names: NAMES,
  })
})

it('a text that is too long is cut', () => {
  expect(rowsOfTexts(['abab'], NAMES, 3).inputs).toEqual([[0, 1, 2]])
})

it('letters are those of the data', () => {
  expect(clean('A-b.c', NAMES, 0)).toBe('ab')
})

it('the texts of rows are those that the rows were made of', () => {
  expect(textsOfRows(rowsOfTexts(['ab', '', 'b'], NAMES, 4))).toEqual(['ab', '', 'b'])
  expect(textsOfRows({ name: 'names' })).toEqual([])
})
