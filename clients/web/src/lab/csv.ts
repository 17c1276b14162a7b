/** Preview of the first rows of a CSV file before the upload; the service parses the whole file. */

export interface Head {
  columns: string[]
  /** Rows with their line numbers, counted from 1. */
  rows: { line: number; cells: string[] }[]
  /** Whether the file has more rows. */
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
    if (cells.some((cell) => cell !== '')) rows.push({ line: first, cells })
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

/** The most frequent delimiter in the header, as in the service. */
function delimiterOf(text: string): string {
  const header = (text.trimStart().split('\n', 1)[0] ?? '').replace(/"[^"]*"/g, '')
  const match = DELIMITERS.map((delimiter) => header.split(delimiter).length)
  return DELIMITERS[match.indexOf(Math.max(...match))]!
}

/**
 * Place of an error of the service: `lines[3].age` is line 3, column `age`, and
 * `members[cat/1.png]` a member of an archive.
 */
export function placeOf(field: string): { line?: number; column?: string; member?: string } {
  const match = /^lines\[(\d+)\](?:\.(.+))?$/.exec(field)
  if (match) return { line: Number(match[1]), column: match[2] }
  const member = /^members\[(.+)\]$/.exec(field)?.[1]
  return member ? { member } : { column: /^columns\.(.+)$/.exec(field)?.[1] }
}

/** One line of the file, unparsed. */
export function lineOf(text: string, line: number): string | undefined {
  return text.split(/\r?\n/, line)[line - 1]
}

/** Empty these lines. The service skips empty lines, so the others keep their numbers. */
export function without(text: string, lines: readonly number[]): string {
  if (!lines.length) return text
  const left = new Set(lines)
  return text
    .split('\n')
    .map((line, i) => (left.has(i + 1) ? '' : line))
    .join('\n')
}
