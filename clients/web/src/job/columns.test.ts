import { describe, expect, it } from 'vitest'

import { curvesOf, extend, lastUpTo, rejoin, spread } from './columns'

describe('a curve from a stream', () => {
  it('grows by new epochs only, even if others are repeated', () => {
    const first = extend(undefined, [1, 2], [4, 'NaN'])
    expect(first).toEqual({ x: [1, 2], y: [4, NaN] })
    expect(extend(first, [1, 2, 3], [9, 9, 'Infinity'])).toEqual({
      x: [1, 2, 3],
      y: [4, NaN, Infinity],
    })
    expect(extend(first, [1, 2], [9, 9])).toBe(first)
  })

  it('keeps what arrived while the whole curve was requested', () => {
    const whole = curvesOf([{ metric: 'train_loss', epochs: [1, 5], values: [8, 4] }])
    const live = { train_loss: { x: [4, 5, 6], y: [5, 4, 3] }, seconds: { x: [6], y: [0.1] } }
    expect(rejoin(whole, live)).toEqual({
      train_loss: { x: [1, 5, 6], y: [8, 4, 3] },
      seconds: { x: [6], y: [0.1] },
    })
  })
})

describe('a selection of epochs', () => {
  it('keeps both ends and equal distances', () => {
    expect(spread([0, 1, 2, 3, 4, 5, 6, 7, 8], 3)).toEqual([0, 4, 8])
    expect(spread([1, 2], 3)).toEqual([1, 2])
  })

  it('finds the last epoch up to a limit', () => {
    expect([4, 5, 7, 10, 99].map((epoch) => lastUpTo([5, 10], epoch))).toEqual([0, 0, 0, 1, 1])
  })
})
