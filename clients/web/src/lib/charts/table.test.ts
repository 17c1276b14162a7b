import { describe, expect, it } from 'vitest'

import { extent, nearest, scale, tickLabel } from './scale'
import { seriesTable, toCsv } from './table'

describe('a table', () => {
  it('has a row for each x of any series', () => {
    const table = seriesTable('epoch', [
      { name: 'train', x: [1, 2, 3], y: [9, 4, 1] },
      { name: 'validation', x: [2], y: [5] },
    ])
    expect(table.columns).toEqual(['epoch', 'train', 'validation'])
    expect(table.rows).toEqual([
      [1, 9, null],
      [2, 4, 5],
      [3, 1, null],
    ])
  })

  it('is a CSV with quoted texts', () => {
    expect(
      toCsv({
        columns: ['a', 'b'],
        rows: [
          ['x, "y"', NaN],
          [null, 1.5],
        ],
      }),
    ).toBe('a,b\r\n"x, ""y""",NaN\r\n,1.5\r\n')
  })
})

describe('an axis', () => {
  it('omits values that it cannot show', () => {
    const log = scale('log', [0.01, 100], [0, 400])
    expect(log(1)).toBeCloseTo(200)
    expect([log(0), log(-1), log(Infinity)]).toEqual([NaN, NaN, NaN])
    expect(log.ticks).toEqual([0.01, 0.1, 1, 10, 100])
  })

  it('has ticks for any range', () => {
    expect(scale('log', [0.62, 0.71], [0, 400]).ticks).toEqual([0.62, 0.64, 0.66, 0.68, 0.7])
    expect(scale('log', [0.3, 0.9], [0, 400]).ticks.length).toBeGreaterThan(1)
  })

  it('spans the finite values', () => {
    expect(extent('linear', [NaN, 0, 10, Infinity], 0)).toEqual([0, 10])
    expect(extent('log', [0, 1, 100], 0)).toEqual([1, 100])
    expect(extent('linear', [])).toEqual([0, 1])
    expect(extent('linear', [5, 5], 0)).toEqual([4.5, 5.5])
  })

  it('writes large and small numbers as powers of ten', () => {
    expect([tickLabel('log', 1e-5), tickLabel('log', 0.1), tickLabel('log', 1e12)]).toEqual([
      '10⁻⁵',
      '0.1',
      '10¹²',
    ])
  })

  it('finds the nearest of sorted values', () => {
    expect([0, 1.4, 1.6, 99].map((x) => nearest([0, 1, 2, 5], x))).toEqual([0, 1, 2, 3])
    expect(nearest([3], 9)).toBe(0)
  })
})
