import { describe, expect, it } from 'vitest'

import type { Schemas } from '@epochal/client'
import { awaited, duration, metricName, summary, timeLeft, verdict, walk, why } from './texts'

const spec: Schemas['TrainingSpec'] = {
  network: {
    input_shape: [2],
    layers: [
      { type: 'dense', units: 16, activation: 'tanh' },
      { type: 'dense', units: 16, activation: 'tanh' },
      { type: 'dropout', rate: 0.5 },
      { type: 'dense', units: 1, activation: 'sigmoid' },
    ],
  },
  dataset: { name: 'xor' },
  loss: 'binary_cross_entropy',
  epochs: 100,
  validation_fraction: 0.2,
  optimizer: { type: 'sgd', learning_rate: 0.5 },
}
const job = { spec, parameters: 1, samples: 400, stop_reason: null } as unknown as Schemas['Job']

it('names metrics in words', () => {
  expect(['train_loss', 'validation_exact_match', 'kl'].map(metricName)).toEqual([
    'training loss',
    'validation exact match',
    'KL divergence',
  ])
})

describe('descriptions of a run', () => {
  it('list the layers, with equal neighbors merged', () => {
    expect(walk(spec).map((layer) => `${layer.size} ${layer.note} ${layer.times}`.trim())).toEqual([
      '2  1',
      '16 tanh 2',
      'dropout 0.5 1',
      '1 sigmoid 1',
    ])
  })

  it('mark the layers that are frozen', () => {
    const frozen = { ...spec, freeze: ['dense_1', 'dense_4'] }
    expect(walk(frozen).map((layer) => layer.note)).toEqual([
      '',
      'tanh, frozen',
      'tanh',
      'dropout 0.5',
      'sigmoid, frozen',
    ])
  })

  it('summarize data and training', () => {
    expect(summary(job)).toBe(
      '1 parameter, 400 training samples, 20 % of the data for validation. Binary cross-entropy, minimized with SGD, learning rate 0.5, batch size 32, random seed 0.',
    )
  })

  it('name the class weights', () => {
    const weighted = (class_weights: unknown) =>
      summary({ ...job, spec: { ...spec, class_weights } } as unknown as Schemas['Job'])
    expect(weighted('balanced')).toContain('Binary cross-entropy with balanced classes, minimized')
    expect(weighted([1, 2.5])).toContain(
      'Binary cross-entropy with class weights 1, 2.5, minimized',
    )
  })

  it('say what a figure without weights waits for', () => {
    expect(awaited(undefined)).toBe('Loading the run')
    expect(awaited('waiting')).toBe('Waiting for another run')
    expect(awaited('queued')).toBe('Waiting for a worker')
    expect(awaited('paused')).toBe('Paused')
    expect(awaited('running')).toBe('Training the first epoch')
    expect(awaited('running', 3)).toBe('Training until weights are stored')
  })

  it('state the current state and the reason for the end', () => {
    expect(verdict(job, 'queued')).toBe('Waiting for a worker')
    expect(verdict({ ...job, stop_reason: 'completed' }, 'succeeded')).toBe('Finished')
    const warning =
      'Finished, but worse than predicting the mean: training loss 2, a constant gives 1'
    expect(verdict({ ...job, warning }, 'succeeded')).toBe(
      'Finished, but worse than predicting the mean',
    )
    expect(verdict({ ...job, warning }, 'running')).toBe('Training')
    const early = {
      ...job,
      stop_reason: 'early_stopped' as const,
      spec: { ...job.spec, early_stopping: { patience: 7, min_delta: 0, restore_best: true } },
    }
    expect([verdict(early, 'succeeded'), why(early)]).toEqual([
      'Stopped early',
      'The loss did not improve for 7 epochs.',
    ])
    expect(why(job)).toBeUndefined()
    const dataset = { id: 'data_1', scaling: 'none' as const }
    const spec = { ...job.spec, dataset, validation_fraction: 0 }
    const uploaded = { ...job, stop_reason: 'completed' as const, spec }
    expect(why(uploaded)).toMatch(/^No samples were left for validation/)
    expect(why({ ...uploaded, spec: { ...spec, validation_fraction: 0.1 } })).toBeUndefined()
  })
})

describe('time', () => {
  it.each([
    [0.0113, '0.011 s'],
    [8.04, '8 s'],
    [8.26, '8.3 s'],
    [59.4, '59 s'],
    [125, '2 min 5 s'],
    [11_400, '3 h 10 min'],
    [NaN, '–'],
  ])('%d seconds are %s', (seconds, text) => expect(duration(seconds)).toBe(text))

  it('remaining is estimated from the last epochs', () => {
    expect(timeLeft(100, 60, [9, ...Array<number>(20).fill(0.5)])).toBe(20)
    expect(timeLeft(100, 60, [0.01], 2)).toBe(20)
    expect(timeLeft(100, 100, [0.5])).toBeUndefined()
    expect(timeLeft(100, 1, [])).toBeUndefined()
  })
})
