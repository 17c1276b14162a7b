import { describe, expect, it } from 'vitest'

import { refined } from './grid'

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
