import { describe, expect, it } from 'vitest'

import { changes, gathered, mergePatch, remedyName } from './patch'

// https://www.rfc-editor.org/rfc/rfc7396#appendix-A
describe('a merge patch', () => {
  it.each([
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [
      ['a', 'b'],
      ['c', 'd'],
      ['c', 'd'],
    ],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: 'b', c: null }, { a: 'b' }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])('%j with %j is %j', (target, patch, result) =>
    expect(mergePatch(target, patch)).toEqual(result),
  )

  it('does not change its target', () => {
    const target = { optimizer: { type: 'sgd', learning_rate: 10 } }
    expect(mergePatch(target, { optimizer: { learning_rate: 1 } })).toEqual({
      optimizer: { type: 'sgd', learning_rate: 1 },
    })
    expect(target.optimizer.learning_rate).toBe(10)
  })
})

describe('the list of changes', () => {
  it('has path, old value and new value', () => {
    const spec = { optimizer: { learning_rate: 10 }, early_stopping: null }
    expect(
      changes(spec, { optimizer: { learning_rate: 1 }, early_stopping: { patience: 5 } }),
    ).toEqual([
      { path: 'optimizer.learning_rate', before: '10', after: '1' },
      { path: 'early_stopping.patience', before: 'none', after: '5' },
    ])
  })

  it('has only the differences of a list, and merges equal ones', () => {
    const layer = (activation: string) => ({ type: 'dense', name: null, activation })
    const spec = { layers: ['sigmoid', 'sigmoid', 'sigmoid', 'linear'].map(layer) }
    const patch = {
      layers: ['relu', 'relu', 'sigmoid', 'relu'].map((activation) => ({
        type: 'dense',
        activation,
      })),
    }
    expect(gathered(changes(spec, patch))).toEqual([
      { path: 'layers[0–1].activation', before: 'sigmoid', after: 'relu' },
      { path: 'layers[3].activation', before: 'linear', after: 'relu' },
    ])
  })
})

describe('the name of a rerun', () => {
  it('says what changed', () => {
    const spec = {
      optimizer: { learning_rate: 10 },
      network: { layers: [{ units: 4 }, { units: 4 }] },
    }
    const named = (patch: unknown) => remedyName('iris', changes(spec, patch))
    expect(named({ optimizer: { learning_rate: 0.01 } })).toBe('iris, learning rate 0.01')
    expect(named({ clipping: { norm: 1 } })).toBe('iris, clipping norm 1')
    expect(named({ network: { layers: [{ units: 32 }, { units: 32 }] } })).toBe('iris, units 32')
  })
})
