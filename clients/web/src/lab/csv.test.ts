/// <reference types="node" />
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import { describe, expect, it } from 'vitest'

import { lineOf, placeOf, readHead, textOf, without } from './csv'

/** The service is tested with the same files and the same expectations. */
const messy = (name: string) =>
  readFileSync(fileURLToPath(new URL(`../../../../tests/datasets/messy/${name}`, import.meta.url)))
const EXPECTED = JSON.parse(messy('expected.json').toString()) as Record<
  string,
  { header: string[]; lines: number[] }
>

it.each(Object.keys(EXPECTED))(
  '%s has the header and the lines that the service reads',
  async (name) => {
    const head = readHead(await textOf(new Blob([messy(name)])))
    const { header, lines } = EXPECTED[name]!
    expect(head.columns).toEqual(header)
    expect(head.rows.slice(0, lines.length).map((row) => row.line)).toEqual(lines)
  },
)

describe('the first rows of a CSV file', () => {
  it('have columns and line numbers', () => {
    const head = readHead('a,b\r\n1,2\r\n\r\n3,4\r\n', 5)
    expect(head.columns).toEqual(['a', 'b'])
    expect(head.rows).toEqual([
      { line: 2, cells: ['1', '2'] },
      { line: 4, cells: ['3', '4'] },
    ])
    expect(head.more).toBe(false)
  })

  it('end after a few rows and report more', () => {
    const head = readHead('a,b\n1,2\n3,4\n5,6\n', 2)
    expect(head.rows).toHaveLength(2)
    expect(head.more).toBe(true)
    expect(readHead('a,b\n1,2\n3,4\n', 2).more).toBe(false)
  })

  it('can have quotes, quoted line breaks and a byte order mark', () => {
    const head = readHead('\uFEFFname,"rate, ""net"""\n"two\nlines",5\nx,6')
    expect(head.columns).toEqual(['name', 'rate, "net"'])
    expect(head.rows).toEqual([
      { line: 2, cells: ['two\nlines', '5'] },
      { line: 4, cells: ['x', '6'] },
    ])
  })

  it('can be separated by semicolons or tabs', () => {
    expect(readHead('a;b,c;d\n1;2;3').columns).toEqual(['a', 'b,c', 'd'])
    expect(readHead('a\tb\n1\t2').rows[0]?.cells).toEqual(['1', '2'])
  })
})

it('an error of the service has a line and a column', () => {
  expect(placeOf('lines[3].age')).toEqual({ line: 3, column: 'age' })
  expect(placeOf('lines[3]')).toEqual({ line: 3, column: undefined })
  expect(placeOf('columns.age')).toEqual({ column: 'age' })
  expect(placeOf('members[cat/a[1].png]')).toEqual({ member: 'cat/a[1].png' })
  expect(placeOf('data')).toEqual({ column: undefined })
  expect(lineOf('a,b\r\n1,x\r\n', 2)).toBe('1,x')
})

it('skipped lines keep the numbers of the others', () => {
  expect(without('a,b\r\n1,x\r\n,y\r\n3,x\r\n', [3])).toBe('a,b\n1,x\n\n3,x\n')
  expect(without('a,b\n1,x\n', [])).toBe('a,b\n1,x\n')
})
