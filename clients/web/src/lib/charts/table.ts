/** The data of a figure as a table, for display and CSV export. */
import { format } from '../api/numbers'

export type Cell = number | string | null

export interface Table {
  columns: readonly string[]
  rows: readonly (readonly Cell[])[]
}

/** RFC 4180; non-finite numbers use the notation of the API. */
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
  /** Values; NaN and infinities leave a gap. */
  y: readonly number[]
  /** CSS color. Defaults to the next color of the palette. */
  color?: string
  dashed?: boolean
  faint?: boolean
}

/** One row per `x` of any series, one column per series. */
export function seriesTable(xLabel: string, series: readonly Series[]): Table {
  const rows = new Map<number, Cell[]>()
  series.forEach((curve, column) =>
    curve.x.forEach((x, i) => {
      let row = rows.get(x)
      if (!row) rows.set(x, (row = [x, ...series.map(() => null)]))
      row[column + 1] = curve.y[i] ?? null
    }),
  )
  return {
    columns: [xLabel, ...series.map((line) => line.name)],
    rows: [...rows.values()].sort((a, b) => (a[0] as number) - (b[0] as number)),
  }
}
