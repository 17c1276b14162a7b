import { describe, expect, it } from 'vitest'

import type { Schemas } from '@epochal/client'
import { baselineOf, metricsOf, partsOf, positionsOf, rowsOf } from './metrics'

type Evaluation = Schemas['Evaluation']
type Spec = Schemas['TrainingSpec']

const errors = { rmse: 6, mae: 5, median_absolute_error: 4, r2: 0.64 }
const numbers: Evaluation = {
  epoch: 3,
  split: 'validation',
  samples: 10,
  predictions: 10,
  classification: null,
  sequence: null,
  regression: { ...errors, targets: [{ name: 'price', ...errors }] },
}
const row = { precision: 0.5, recall: 0.5, f1: 0.5, accuracy: 0.6, roc_auc: null }
const classes: Evaluation = {
  epoch: 3,
  split: 'train',
  samples: 10,
  predictions: 10,
  regression: null,
  sequence: null,
  classification: {
    ...row,
    balanced_accuracy: 0.55,
    macro_f1: 0.5,
    log_loss: null,
    positive_class: 'yes',
    unclassified: 0,
    classes: [
      { name: 'no', support: 7, ...row },
      { name: 'yes', support: 3, ...row },
    ],
  },
}

describe('metrics', () => {
  it('are of the parts that a job has, the validation part first', () => {
    expect(partsOf({} as Spec)).toEqual(['train'])
    const split = { test_fraction: 0.1 }
    expect(partsOf({ validation_fraction: 0.2, split } as Spec)).toEqual([
      'validation',
      'train',
      'test',
    ])
  })

  it('name the target, whose unit they have', () => {
    expect(metricsOf(numbers).map(({ name, text }) => `${name} ${text}`)).toEqual([
      'RMSE of price 6',
      'MAE of price 5',
      'R² 0.640',
    ])
    expect(rowsOf(numbers)).toBeUndefined()
  })

  it('of sequences begin with whole sequences, and have an accuracy by position', () => {
    const positions = [0, 2].map((position) => ({ position, predictions: 5, accuracy: 0.8 }))
    const sequence = {
      exact_match: 0.6,
      perplexity: 2,
      bits_per_prediction: 1,
      bits_per_character: 0.5,
      positions,
    }
    const shown = metricsOf({ ...classes, sequence }).map(({ name, text }) => `${name} ${text}`)
    expect(shown.slice(0, 5)).toEqual([
      'exact match 60.0 %',
      'perplexity 2.000',
      'bits per prediction 1.000',
      'bits per character 0.500',
      'accuracy 60.0 %',
    ])
    expect(positionsOf({ ...classes, sequence })).toMatchObject({ x: [1, 3], y: [0.8, 0.8] })
    expect(positionsOf(classes)).toBeUndefined()
  })

  it('compare with the mean, whose error follows from R²', () => {
    expect(baselineOf(numbers)).toEqual({
      text: 'Always predicting the mean has an RMSE of 10.',
      isBetter: false,
    })
    const bad = { ...numbers, regression: { ...numbers.regression!, r2: -0.5 } }
    expect(baselineOf(bad)?.isBetter).toBe(true)
  })

  it('compare with the most frequent class', () => {
    expect(baselineOf(classes)).toEqual({
      text: 'Always predicting no is correct for 70.0 %: the network is not better.',
      isBetter: true,
    })
    // Outputs that share their samples have no most frequent class.
    expect(baselineOf({ ...classes, predictions: 20 })).toBeUndefined()
  })

  it('leave out those that are not defined', () => {
    expect(metricsOf(classes).map(({ name }) => name)).toEqual([
      'accuracy',
      'balanced accuracy',
      'precision of yes',
      'recall of yes',
      'F1 of yes',
    ])
    expect(rowsOf(classes)?.rows[1]).toEqual(['yes', 0.5, 0.5, 0.5, null, 3])
  })
})
