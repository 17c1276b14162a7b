import { describe, expect, it } from 'vitest'

import { refined, refinedClasses } from './grid'

describe('a refined grid', () => {
  it('keeps its corners, and has its boundary halfway between two opposite logits', () => {
    const { columns, rows, values } = refined(
      { columns: 2, rows: 1, values: [0.1, 0.9] },
      [0, 1],
      50,
    )
    expect([columns, rows]).toEqual([100, 50])
    expect(values[0]).toBeCloseTo(0.1, 1)
    expect(values[99]).toBeCloseTo(0.9, 1)
    expect([values[49]! < 0.5, values[50]! > 0.5]).toEqual([true, true])
  })

  it('has its boundary where the logits cross 0, nearer to the smaller one', () => {
    // Logits −1 and 3: zero at a quarter of the way.
    const share = (score: number) => 1 / (1 + Math.exp(-score))
    const { values } = refined({ columns: 2, rows: 1, values: [share(-1), share(3)] }, [0, 1], 50)
    expect(values.slice(0, 100).findIndex((value) => value > 0.5)).toBe(25)
  })

  it('uses the given range, and keeps holes for non-finite values', () => {
    const { values } = refined({ columns: 2, rows: 2, values: [-1, -1, NaN, 1] }, [-1, 1], 1)
    expect(values.every(Number.isNaN)).toBe(true)
    expect(refined({ columns: 2, rows: 1, values: [-1, 1] }, [-1, 1], 1).values[0]).toBeLessThan(
      0.5,
    )
  })
})

describe('a refined grid of classes', () => {
  const sure = 1 - 2e-30
  const rowsOf = (...classes: number[]) =>
    classes.map((best) => [0, 1, 2].map((k) => (k === best ? sure : 1e-30)))

  it('has its boundary where two classes are as probable, as pale on each of its cells', () => {
    // A diagonal boundary of a network that is sure on each side: 0 below, 1 above.
    const size = 20
    const classes = Array.from({ length: size * size }, (_, i) =>
      Math.floor(i / size) > 0.6 * (i % size) + 3.3 ? 1 : 0,
    )
    const fine = refinedClasses({ columns: size, rows: size }, rowsOf(...classes), 4)
    expect(fine.columns).toBe(80)
    // Of each column, the palest cell: the boundary has no gaps and no dots.
    const palest = Array.from({ length: fine.columns }, (_, column) =>
      Math.min(...fine.values.filter((_, i) => i % fine.columns === column)),
    )
    expect(Math.max(...palest)).toBeLessThan(0.75)
    expect(Math.min(...palest)).toBeGreaterThan(0.3)
  })

  it('keeps the class and the probability where one is sure, and the halves between two', () => {
    const { values, classes } = refinedClasses({ columns: 2, rows: 1 }, rowsOf(0, 2), 4)
    expect(classes.slice(0, 8)).toEqual([0, 0, 0, 0, 2, 2, 2, 2])
    expect(values[0]).toBeGreaterThan(0.95)
    expect(values[3]).toBeCloseTo(values[4]!, 5)
    const even = refinedClasses({ columns: 1, rows: 1 }, [[0.2, 0.5, 0.3]], 1)
    expect([even.classes, even.values[0]]).toEqual([[1], expect.closeTo(0.5, 5)])
  })
})
