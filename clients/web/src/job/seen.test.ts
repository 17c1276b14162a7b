import { describe, expect, it } from 'vitest'

import { classColor, counted, missed, named, reach, size, top, wrong, type Sample } from './seen'

const sample = (inputs: number[], target_class: number | null, predicted_class: number | null) =>
  ({ inputs, target_class, predicted_class }) as unknown as Sample

describe('samples', () => {
  it('have a margin of a tenth', () => {
    const samples = [sample([0, 5], 0, 0), sample([10, 5], 0, 0)]
    expect(reach(samples, 0)).toEqual([-1, 11])
    expect(reach(samples, 1)).toEqual([4, 6])
    expect(reach([], 0)).toEqual([-1, 1])
  })

  it('are wrong only if they have a class', () => {
    expect([sample([], 1, 1), sample([], 1, 0), sample([], null, null)].map(wrong)).toEqual([
      false,
      true,
      false,
    ])
  })

  it('of sequences can be wrong at some positions', () => {
    const word = { target_classes: [2, 0, 1], predicted_classes: [2, 1, 0] } as unknown as Sample
    expect(missed(word)).toBe(2)
    expect(missed({ ...word, predicted_classes: [2, 0, 1] })).toBe(0)
  })

  it('ignore positions that do not count, and count a missing prediction as wrong', () => {
    const word = { target_classes: [-1, 0, 1], predicted_classes: [2, 0, -1] } as unknown as Sample
    expect([counted(word), missed(word)]).toEqual([2, 1])
    expect([-1, 0, 1, null].map((index) => named(['a'], index))).toEqual(['·', 'a', '1', '·'])
  })

  it('have a size that follows from their shape', () => expect(size([8, 8, 1])).toBe(64))
})

describe('a prediction', () => {
  it('is the largest output', () => {
    expect(top([0.1, 0.7, 0.2])).toEqual({ index: 1, value: 0.7 })
    expect(top(['NaN', 1]).value).toBeNaN()
  })

  it('has a unique color per class', () => {
    expect([0, 1].map((index) => classColor(index, 2))).toEqual([
      'var(--negative)',
      'var(--positive)',
    ])
    expect(new Set(Array.from({ length: 10 }, (_, i) => classColor(i, 10))).size).toBe(10)
  })
})
