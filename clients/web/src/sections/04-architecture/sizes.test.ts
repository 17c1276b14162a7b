import { describe, expect, it } from 'vitest'

import {
  added,
  cleaned,
  grown,
  MOST_LAYERS,
  MOST_UNITS,
  moved,
  nameOf,
  removed,
  resized,
  shown,
} from './sizes'
import { Undo } from './undo.svelte'

describe('a row of sizes', () => {
  it('replaces invalid values from a link', () => {
    expect(cleaned([0, -3, 2.6, 1e9])).toEqual([1, 1, 3, MOST_UNITS])
    expect(cleaned(Array(20).fill(2))).toHaveLength(MOST_LAYERS)
  })

  it('grows by one unit when small, and by a tenth when large', () => {
    expect(grown(4, 3)).toBe(7)
    expect(grown(4, -9)).toBe(1)
    expect(grown(100, 1)).toBe(110)
    expect(grown(100, -1)).toBe(91)
    expect(grown(16, 10)).toBe(41)
    expect(grown(17, -1)).toBe(16)
    expect(grown(MOST_UNITS, 5)).toBe(MOST_UNITS)
  })

  it('changes with every step', () => {
    for (let units = 2; units < 300; units++) {
      expect(grown(units, 1)).toBeGreaterThan(units)
      expect(grown(units, -1)).toBeLessThan(units)
    }
  })

  it('adds a layer as large as the hidden layer before it', () => {
    expect(added([3, 4, 2], 1)).toEqual([3, 4, 4, 2])
    expect(added([3, 7, 2], 0)).toEqual([3, 7, 7, 2])
    expect(added([3, 2], 1)).toEqual([3, 2, 2])
    const full = Array<number>(MOST_LAYERS).fill(2)
    expect(added(full, 1)).toBe(full)
  })

  it('keeps the input and the output', () => {
    expect(removed([3, 4, 5, 2], 1)).toEqual([3, 5, 2])
    expect(removed([3, 4, 2], 0)).toEqual([3, 4, 2])
    expect(removed([3, 4, 2], 2)).toEqual([3, 4, 2])
    expect(moved([3, 4, 5, 2], 1, 1)).toEqual([3, 5, 4, 2])
    expect(moved([3, 4, 5, 2], 1, -1)).toEqual([3, 4, 5, 2])
    expect(resized([3, 4, 2], 0, 9)).toEqual([9, 4, 2])
  })

  it('names its layers and limits the units drawn', () => {
    expect([0, 1, 2].map((i) => nameOf([3, 4, 2], i))).toEqual(['Input', 'Hidden', 'Output'])
    expect(nameOf([3, 4, 4, 2], 2)).toBe('Hidden 2')
    expect(shown(3, 10)).toEqual({ units: [0, 1, 2], gap: false })
    expect(shown(784, 5)).toEqual({ units: [0, 1, 2, 783], gap: true })
  })
})

describe('undo', () => {
  it('restores earlier states and redoes them', () => {
    const undo = new Undo<string>()
    undo.did('a')
    undo.did('b')
    expect(undo.undo('c')).toBe('b')
    expect(undo.undo('b')).toBe('a')
    expect(undo.undo('a')).toBe('a')
    expect(undo.redo('a')).toBe('b')
    undo.did('b')
    expect(undo.canRedo).toBe(false)
    expect(undo.redo('x')).toBe('x')
  })
})
