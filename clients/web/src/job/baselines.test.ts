import { describe, expect, it } from 'vitest'

import { baselineSeries } from './baselines'

const baselines = {
  constant: { train_loss: 0.5, validation_loss: 0.6 },
  linear: { train_loss: 0.2, validation_loss: 0.3 },
  boosted: { train_loss: 0.01, validation_loss: 0.2 },
  initial: null,
  ngrams: [],
  separability: null,
}
const curve = { name: 'training', x: [1, 2], y: [1, 0.1] }

describe('baselines', () => {
  it('are level lines at the validation loss', () => {
    const lines = baselineSeries(baselines, [1, 2], [curve])
    expect(lines.map(({ name, y }) => [name, y])).toEqual([
      ['best constant', [0.6, 0.6]],
      ['linear model', [0.3, 0.3]],
      ['boosted trees', [0.2, 0.2]],
    ])
  })

  it('are at the training loss without validation, or if that is drawn', () => {
    const train = { train_loss: 0.5, validation_loss: null }
    expect(baselineSeries({ ...baselines, constant: train }, [1], [curve])[0]?.y).toEqual([0.5])
    expect(baselineSeries(baselines, [1], [curve], 'train')[0]?.y).toEqual([0.5])
  })

  it('are n-gram models of a sequence of tokens', () => {
    const losses = { train_loss: 0.4, validation_loss: 0.5 }
    const ngrams = [2, 3, 4].map((n) => ({ n, ...losses }))
    const lines = baselineSeries(
      { ...baselines, linear: null, boosted: null, ngrams },
      [1],
      [curve],
    )
    expect(lines.map(({ name }) => name)).toEqual(['best constant', 'bigram', 'trigram', '4-gram'])
  })

  it('are left out where there are none, or where they would flatten the curves', () => {
    expect(baselineSeries(null, [1], [curve])).toEqual([])
    expect(baselineSeries(baselines, [], [])).toEqual([])
    const far = { ...baselines, linear: { train_loss: 1e-9, validation_loss: 1e-9 } }
    const names = baselineSeries(far, [1], [curve]).map(({ name }) => name)
    expect(names).toEqual(['best constant', 'boosted trees'])
  })
})
