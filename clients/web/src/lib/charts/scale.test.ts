import { expect, test } from 'vitest'

import { distinct, extent, horizontal, scale, tickLabel, spread } from './scale'

test('an axis has fewer ticks where their labels would overlap', () => {
  const range = [46, 300] as const
  const prices = horizontal('linear', [0, 1_200_000], range, 8)
  expect(prices.ticks.length).toBeLessThan(scale('linear', [0, 1_200_000], range, 8).ticks.length)
  for (const [i, tick] of prices.ticks.entries()) {
    if (i === 0) continue
    const before = prices.ticks[i - 1]!
    const characters = tickLabel('linear', tick).length + tickLabel('linear', before).length
    expect(prices(tick) - prices(before)).toBeGreaterThan((characters / 2) * 7)
  }
})

test('an axis with room for its labels keeps its ticks', () => {
  const axis = horizontal('linear', [0, 10], [0, 800], 8)
  expect(axis.ticks).toEqual(scale('linear', [0, 10], [0, 800], 8).ticks)
})

test('all ticks of an axis of millions are written in full', () => {
  expect([800_000, 1_000_000, 1_200_000].map((tick) => tickLabel('linear', tick))).toEqual([
    '800,000',
    '1,000,000',
    '1,200,000',
  ])
  expect(tickLabel('linear', -2_000_000)).toBe('−2,000,000')
})

test('a logarithmic range is that of the values it can show, however small others are', () => {
  const domain = extent('log', [0, 5e-324, 1e-12, 1e-3])
  expect(domain[0]).toBeGreaterThan(1e-13)
  expect(scale('log', domain, [300, 0]).ticks.every((tick) => tick > 0)).toBe(true)
  expect(extent('log', [0, 5e-324])).toEqual([0.1, 1])
})

test('labels are spread in their order, between the ends', () => {
  expect(spread([50, 10, 52], 14, [0, 100])).toEqual([50, 10, 64])
  expect(spread([99, 98], 14, [0, 100])).toEqual([100, 86])
  expect(spread([], 14, [0, 100])).toEqual([])
})

test('distinct points are the lowest and the highest point of each column, in order, and all gaps', () => {
  const positions = [0.1, 0.2, 0.5, 0.9, 1, 1.5, 1.6, 1.7, 2.2]
  const values = [3, 5, 1, 2, 4, NaN, 7, 8, 6]
  expect(distinct(positions, values, Number.isFinite)).toEqual([1, 2, 4, 5, 6, 7, 8])
  expect(distinct([], [], Number.isFinite)).toEqual([])
})

test('a thinned curve has the extremes of a long curve at the same pixels', () => {
  const values = Array.from({ length: 5000 }, (_, i) => Math.sin(i) / (1 + i / 500))
  const positions = values.map((_, i) => i / 20)
  const chosen = distinct(positions, values, Number.isFinite)
  expect(chosen.length).toBeLessThanOrEqual(500)
  const most = (rows: readonly number[], column: number) =>
    Math.max(...rows.filter((i) => Math.floor(positions[i]!) === column).map((i) => values[i]!))
  const all = [...values.keys()]
  for (let column = 0; column < 250; column++) expect(most(chosen, column)).toBe(most(all, column))
})
