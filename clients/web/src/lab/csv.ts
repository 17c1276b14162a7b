/** Preview of the first rows of a CSV file before the upload; the service parses the whole file. */

export interface Head {
  columns: string[]
  /** Rows with their line numbers, counted from 1. */
  rows: { line: number; cells: string[] }[]
  /** Whether the file has more rows. */
  more: boolean
}

const DELIMITERS = [',', ';', '\t']
const LINE_BREAK = /\r\n|\r|\n/g
/** Lines that spreadsheets and programs write before the header: `sep=;`, and comments. */
const PREAMBLE = /^(?:\s*(?:sep=[,;\t]|#[ #][^\n]*)\n)*/

/** The text of a file, as the service decodes it: UTF-8, UTF-16 with a mark, or Windows-1252. */
export async function textOf(file: Blob): Promise<string> {
  const bytes = new Uint8Array(await file.arrayBuffer())
  const mark = bytes.length > 1 ? bytes[0]! * 256 + bytes[1]! : 0
  if (mark === 0xfffe) return new TextDecoder('utf-16le').decode(bytes)
  if (mark === 0xfeff) return new TextDecoder('utf-16be').decode(bytes)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return new TextDecoder('windows-1252').decode(bytes)
  }
}

export function readHead(text: string, most = 6): Head {
  const rows: Head['rows'] = []
  const plain = text.replace(/^\uFEFF/, '').replace(LINE_BREAK, '\n')
  const preamble = PREAMBLE.exec(plain)![0]
  const delimiter = delimiterOf(preamble, plain.slice(preamble.length))
  const start = preamble.split('\n').length
  let [cell, cells, quoted, line, first] = ['', [] as string[], false, start, start]
  let at = preamble.length

  function endRow(): boolean {
    cells.push(cell.trim())
    if (cells.some((cell) => cell !== '')) {
      if (!rows.length) cells = namesOf(cells)
      // Spreadsheets write empty cells beyond the last column.
      while (rows.length && cells.length > rows[0]!.cells.length && !cells.at(-1)) cells.pop()
      rows.push({ line: first, cells })
    }
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
    } else cell += sign
  }
  if (at >= plain.length) endRow()
  return { columns: rows[0]?.cells ?? [], rows: rows.slice(1), more: plain.slice(at).trim() !== '' }
}

/** The names of the columns, as the service gives them: a second `x` is `x_2`. */
function namesOf(header: string[]): string[] {
  while (header.length > 1 && !header.at(-1)) header.pop()
  const names = [header.length > 1 ? header[0] || 'column 1' : header[0]!]
  for (const name of header.slice(1)) {
    let [unique, number] = [name, 2]
    while (unique && (names.includes(unique) || (unique !== name && header.includes(unique))))
      unique = `${name}_${number++}`
    names.push(unique)
  }
  return names
}

/** The delimiter after `sep=`, else the most frequent delimiter in the header, as in the service. */
function delimiterOf(preamble: string, text: string): string {
  const named = /^\s*sep=(.)/m.exec(preamble)?.[1]
  const header = (text.trimStart().split('\n', 1)[0] ?? '').replace(/"[^"]*"/g, '')
  const match = DELIMITERS.map((delimiter) => header.split(delimiter).length)
  return named ?? DELIMITERS[match.indexOf(Math.max(...match))]!
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
  return text.split(LINE_BREAK, line)[line - 1]
}

/** Empty these lines. The service skips empty lines, so the others keep their numbers. */
export function without(text: string, lines: readonly number[]): string {
  if (!lines.length) return text
  const left = new Set(lines)
  return text
    .split(LINE_BREAK)
    .map((line, i) => (left.has(i + 1) ? '' : line))
    .join('\n')
}
