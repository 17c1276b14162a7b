import { expect, test } from 'vitest'

import type { Schemas } from '../lib/api'
import { answered, csv, decoded, type Column } from './rows'

const BASE: Column = {
  name: '',
  kind: 'number',
  features: [],
  categories: [],
  missing: 'error',
  fill_value: null,
  unknown: 'error',
  parts: [],
  day_first: null,
  decimal_commas: false,
  thousands: '',
  unit: '',
  marks_missing: false,
  minimum: null,
  maximum: null,
  scaled: true,
  example: '',
  filled: 0,
  filled_lines: [],
}
const COLUMNS: Column[] = [
  { ...BASE, name: 'id', kind: 'ignore' },
  { ...BASE, name: 'size', features: ['size'] },
  { ...BASE, name: 'garage', kind: 'boolean', features: ['garage'], categories: ['no', 'yes'] },
  {
    ...BASE,
    name: 'city',
    kind: 'category',
    features: ['city=Bonn', 'city=Ulm', 'city=other'],
    categories: ['Bonn', 'Ulm'],
  },
  {
    ...BASE,
    name: 'built',
    kind: 'date',
    features: ['built year', 'built month'],
    parts: ['year', 'month'],
    example: '1999-05-17',
  },
]

test('inputs are decoded to the row that they were encoded from', () => {
  expect(decoded(COLUMNS, [120.5, 1, 0, 1, 0, 2004, 7])).toEqual({
    size: 120.5,
    garage: true,
    city: 'Ulm',
    built: '2004-07-17',
  })
  expect(decoded(COLUMNS, [1, 0, 0, 0, 1, 2004, 7])['city']).toBe('other')
})

const REPLY: Schemas['Prediction'] = {
  epoch: 3,
  outputs: [[0.5], [2]],
  output_shape: [1],
  classes: [],
  labels: [],
  target_names: ['price'],
  x: [],
  y: [],
}
const FILE = { columns: ['size', 'city'], rows: [{ cells: ['1', 'Ulm'] }, { cells: ['2', 'a,b'] }] }

test('predictions stand behind the rows of the file', () => {
  expect(answered(FILE, REPLY)).toEqual([
    ['size', 'city', 'predicted price'],
    ['1', 'Ulm', 0.5],
    ['2', 'a,b', 2],
  ])
  const classes = { ...REPLY, classes: [0, 1], labels: ['cat', 'dog'], target_names: ['kind'] }
  expect(csv(answered(FILE, classes))).toBe('size,city,predicted kind\n1,Ulm,cat\n2,"a,b",dog\n')
})
