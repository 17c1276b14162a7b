import { describe, expect, it } from 'vitest'

import {
  bucketed,
  curvesOf,
  extend,
  lastUpTo,
  middle,
  rangeOf,
  rejoin,
  spread,
  upTo,
} from './columns'

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

describe('a downsampled curve', () => {
  it('is continued after the points that stay', () => {
    const curves = { train_loss: { x: [1, 3, 5, 6], y: [9, 8, 7, 6] }, late: { x: [5], y: [1] } }
    expect(upTo(curves, 4)).toEqual({
      train_loss: { x: [1, 3], y: [9, 8] },
      late: { x: [], y: [] },
    })
    expect(rejoin(upTo(curves, 4), { train_loss: { x: [5, 8], y: [7, 2] } })['train_loss']).toEqual(
      {
        x: [1, 3, 5, 8],
        y: [9, 8, 7, 2],
      },
    )
    expect(upTo({}, 4)).toEqual({})
  })
})

describe('columns of several epochs', () => {
  it('do not move while the run grows, until they double', () => {
    const epochs = Array.from({ length: 40 }, (_, i) => i + 1)
    const first = bucketed(epochs.slice(0, 30), 10).map((column) => column.map((i) => epochs[i]))
    expect(first.slice(0, 2)).toEqual([
      [1, 2, 3, 4],
      [5, 6, 7, 8],
    ])
    const longer = bucketed(epochs, 10).map((column) => column.map((i) => epochs[i]))
    expect(longer.slice(0, 7)).toEqual(first.slice(0, 7))
    expect(longer).toHaveLength(10)
    expect(bucketed([5, 10, 15, 20], 10)).toEqual([[0], [1], [2], [3]])
    expect(bucketed([], 10)).toEqual([])
  })

  it('have the middle of their range, and show what is not finite', () => {
    expect(rangeOf([3, 1, 2])).toEqual([1, 3])
    expect(rangeOf([3, NaN, 2])).toEqual([NaN, NaN])
    expect(middle([-1, 2])).toBe(0.5)
    expect(middle([NaN, NaN])).toBeNaN()
    expect(middle([Infinity, Infinity])).toBe(Infinity)
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
