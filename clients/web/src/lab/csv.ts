/** The first rows of a CSV file, to be looked at before it is sent; the service reads the whole of it. */

export interface Head {
  columns: string[]
  /** Each with the number of its line, counted from 1. */
  rows: { line: number; cells: string[] }[]
  /** There is more than these. */
  more: boolean
}

const DELIMITERS = [',', ';', '\t']

export function readHead(text: string, most = 6): Head {
  const rows: Head['rows'] = []
  const delimiter = delimiterOf(text)
  const plain = text.replace(/^\uFEFF/, '')
  let [cell, cells, quoted, line, first] = ['', [] as string[], false, 1, 1]
  let at = 0

  function endRow(): boolean {
    cells.push(cell.trim())
    if (cells.some((each) => each !== '')) rows.push({ line: first, cells })
    ;[cell, cells] = ['', []]
    return rows.length > most
  }

  for (; at < plain.length; at++) {
    const sign = plain[at]!
    if (sign === '\n') line++
    if (quoted) {
      if (sign !== '"') cell += sign
      else if (plain[at + 1] === '"') cell += plain[++at]
      else quoted = false
    } else if (sign === '"' && cell.trim() === '') [quoted, cell] = [true, '']
    else if (sign === delimiter) {
      cells.push(cell.trim())
      cell = ''
    } else if (sign === '\n') {
      if (endRow()) break
      first = line
    } else if (sign !== '\r') cell += sign
  }
  if (at >= plain.length) endRow()
  return { columns: rows[0]?.cells ?? [], rows: rows.slice(1), more: plain.slice(at).trim() !== '' }
}

/** The one that the header has most of, as the service has it. */
function delimiterOf(text: string): string {
  const header = (text.trimStart().split('\n', 1)[0] ?? '').replace(/"[^"]*"/g, '')
  const found = DELIMITERS.map((each) => header.split(each).length)
  return DELIMITERS[found.indexOf(Math.max(...found))]!
}

/** Where an error of the service points: `lines[3].age` is line 3, column `age`. */
export function placeOf(field: string): { line?: number; column?: string } {
  const found = /^lines\[(\d+)\](?:\.(.+))?$/.exec(field)
  if (found) return { line: Number(found[1]), column: found[2] }
  return { column: /^columns\.(.+)$/.exec(field)?.[1] }
}

/** One line of the file, as it stands there. */
export function lineOf(text: string, line: number): string | undefined {
  return text.split(/\r?\n/, line)[line - 1]
}

/** With these lines empty, which the service skips: the others keep their numbers. */
export function without(text: string, lines: readonly number[]): string {
  if (!lines.length) return text
  const left = new Set(lines)
  return text
    .split('\n')
    .map((each, i) => (left.has(i + 1) ? '' : each))
    .join('\n')
}
