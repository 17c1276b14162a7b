/** The 16 truth tables of two inputs. The number of a table is its four outputs in binary. */
import type { Schemas } from '../../lib/api'

export type TableName = NonNullable<Schemas['PerceptronSimulation']['table']>

/** All tables in the order of their numbers: outputs for 00, 01, 10, 11. */
export const TABLES = [
  'false',
  'and',
  'x1_and_not_x2',
  'x1',
  'x2_and_not_x1',
  'x2',
  'xor',
  'or',
  'nor',
  'xnor',
  'not_x2',
  'x2_implies_x1',
  'not_x1',
  'x1_implies_x2',
  'nand',
  'true',
] as const satisfies readonly TableName[]

const NAMES: Record<TableName, string> = {
  false: 'never',
  and: 'AND',
  x1_and_not_x2: 'x₁ and not x₂',
  x1: 'x₁',
  x2_and_not_x1: 'x₂ and not x₁',
  x2: 'x₂',
  xor: 'XOR',
  or: 'OR',
  nor: 'NOR',
  xnor: 'XNOR',
  not_x2: 'not x₂',
  x2_implies_x1: 'x₂ implies x₁',
  not_x1: 'not x₁',
  x1_implies_x2: 'x₁ implies x₂',
  nand: 'NAND',
  true: 'always',
}

export const title = (name: TableName): string => NAMES[name]

/** Outputs of a table: 0, 0, 0, 1 for `and`. */
export function answers(name: TableName): number[] {
  return [3, 2, 1, 0].map((bit) => (TABLES.indexOf(name) >> bit) & 1)
}

/** The table with the output of this row flipped. */
export function flipped(name: TableName, row: number): TableName {
  return TABLES[TABLES.indexOf(name) ^ (1 << (3 - row))] ?? name
}
