/** The numbers of a picture as rows, for those who read rather than look, and for a spreadsheet. */
import { format } from '../api/numbers'

export type Cell = number | string | null

export interface Table {
  columns: readonly string[]
  rows: readonly (readonly Cell[])[]
}

/** RFC 4180. What is not finite keeps the words that the API has for it. */
export function toCsv(table: Table): string {
  const quote = (cell: Cell) => {
    const text = cell === null ? '' : String(cell)
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
  }
  return [table.columns, ...table.rows].map((row) => row.map(quote).join(',') + '\r\n').join('')
}

export function show(cell: Cell): string {
  return cell === null ? '–' : typeof cell === 'number' ? format(cell) : cell
}

export interface Series {
  name: string
  x: readonly number[]
  /** NaN and infinities leave a gap. */
  y: readonly number[]
  /** Any CSS color; the palette's next one by default. */
  color?: string
  dashed?: boolean
  faint?: boolean
}

/** One row for each `x` that any series has, one column for each series. */
export function seriesTable(xLabel: string, series: readonly Series[]): Table {
  const rows = new Map<number, Cell[]>()
  series.forEach((each, column) =>
    each.x.forEach((x, i) => {
      let row = rows.get(x)
      if (!row) rows.set(x, (row = [x, ...series.map(() => null)]))
      row[column + 1] = each.y[i] ?? null
    }),
  )
  return {
    columns: [xLabel, ...series.map((each) => each.name)],
    rows: [...rows.values()].sort((a, b) => (a[0] as number) - (b[0] as number)),
  }
}
