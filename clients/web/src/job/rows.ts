/** Rows of a table by the names of its columns, for predictions. */
import { toNumber, type WireNumber } from '../lib/api/numbers'
import type { Schemas } from '@epochal/client'

export type Column = Schemas['Column']
export type Cell = string | number | boolean | null
export type Row = Record<string, Cell>

/** Columns that are inputs of a network. */
export const inputColumns = (columns: readonly Column[]): Column[] =>
  columns.filter((column) => column.features.length > 0)

/** The row that these inputs were encoded from, as far as they show it. */
export function decoded(columns: readonly Column[], inputs: readonly WireNumber[]): Row {
  const row: Row = {}
  let first = 0
  for (const column of inputColumns(columns)) {
    const values = inputs.slice(first, first + column.features.length).map(toNumber)
    first += column.features.length
    if (column.kind === 'number') row[column.name] = values[0] ?? NaN
    else if (column.kind === 'boolean') row[column.name] = values[0] === 1
    else if (column.kind === 'category') row[column.name] = category(column, values)
    else row[column.name] = day(column, values)
  }
  return row
}

function category(column: Column, values: readonly number[]): string {
  return column.categories[values.indexOf(1)] ?? 'other'
}

/** A date with these parts. The example gives the parts that the network does not take. */
function day(column: Column, values: readonly number[]): string {
  const part = (name: Column['parts'][number], otherwise: number) => {
    const at = column.parts.indexOf(name)
    return at < 0 ? otherwise : values[at]!
  }
  const [, year, month, date] = /(\d{4})-(\d\d)-(\d\d)/.exec(column.example) ?? []
  const pad = (value: number, digits: number) => String(value).padStart(digits, '0')
  const text = [
    pad(part('year', Number(year ?? 2000)), 4),
    pad(part('month', Number(month ?? 1)), 2),
    pad(part('day', Number(date ?? 1)), 2),
  ].join('-')
  return column.parts.includes('hour') ? `${text}T${pad(part('hour', 0), 2)}:00` : text
}

/** A CSV with these rows, quoted where a value needs it. */
export function csv(rows: readonly (readonly (string | number)[])[]): string {
  const cell = (value: string | number) => {
    const text = String(value)
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
  }
  return rows.map((row) => row.map(cell).join(',')).join('\n') + '\n'
}

/** The rows of a file with the predictions behind them: a name for classes, or numbers. */
export function answered(
  file: { columns: readonly string[]; rows: readonly { cells: readonly string[] }[] },
  reply: Schemas['Prediction'],
): (string | number)[][] {
  const named = reply.labels.length === file.rows.length
  const targets = reply.target_names.length ? reply.target_names : ['output']
  const names = named ? targets.slice(0, 1) : reply.outputs[0]!.map((_, i) => targets[i] ?? i + 1)
  return [
    [...file.columns, ...names.map((name) => `predicted ${name}`)],
    ...file.rows.map((row, i) => [
      ...row.cells,
      ...(named ? [reply.labels[i]!] : reply.outputs[i]!.map(toNumber)),
    ]),
  ]
}
