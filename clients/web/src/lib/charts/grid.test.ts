import { describe, expect, it } from 'vitest'

import { refined } from './grid'

describe('a grid made finer', () => {
  it('keeps its corners, and crosses from no to yes half way between two opposite scores', () => {
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

  it('puts the boundary where the scores cross, nearer to the one that is less sure', () => {
    // Logits −1 and 3: zero at a quarter of the way.
    const share = (score: number) => 1 / (1 + Math.exp(-score))
    const { values } = refined({ columns: 2, rows: 1, values: [share(-1), share(3)] }, [0, 1], 50)
    expect(values.slice(0, 100).findIndex((each) => each > 0.5)).toBe(25)
  })

  it('reads values on the range that it is given, and leaves holes where there are no numbers', () => {
    const { values } = refined({ columns: 2, rows: 2, values: [-1, -1, NaN, 1] }, [-1, 1], 1)
    expect(values.every(Number.isNaN)).toBe(true)
    expect(refined({ columns: 2, rows: 1, values: [-1, 1] }, [-1, 1], 1).values[0]).toBeLessThan(
      0.5,
    )
  })
})
