import { describe, expect, it, test } from 'vitest'
import type { Schemas } from '../lib/api'
import {
  changeBetween,
  hiddenActivations,
  joined,
  lastInWords,
  placeOf,
  repeated,
  specAfter,
  totalEpochs,
  withHidden,
} from './changes'

type Spec = Schemas['TrainingSpecOutput']

const spec = {
  network: {
    input_shape: [2],
    layers: [
      { type: 'dense', units: 8, activation: 'relu' },
      { type: 'dropout', rate: 0.2 },
      { type: 'dense', units: 4, activation: 'relu' },
      { type: 'dense', units: 1, activation: 'sigmoid' },
    ],
  },
  epochs: 100,
  batch_size: 32,
  optimizer: { type: 'adam', learning_rate: 0.01, beta_1: 0.9 },
  changes: [
    { epoch: 10, training: { optimizer: { learning_rate: 0.003 } } },
    { epoch: 20, training: { optimizer: { type: 'sgd', learning_rate: 0.1 }, batch_size: 8 } },
    { epoch: 30, training: { epochs: 500 } },
  ],
} as unknown as Spec

describe('a run that changed', () => {
  it('has a change within an epoch between two', () => {
    const place = (epoch: number, step: number) => placeOf({ epoch, step, training: {} }, spec, 320)
    expect([place(10, 0), place(10, 5), place(20, 5), place(20, 90)]).toEqual([
      10, 10.5, 20.125, 21,
    ])
  })

  it('has the settings of each epoch', () => {
    expect(specAfter(spec, 9)).toEqual({ ...spec, changes: [] })
    expect(specAfter(spec, 10).optimizer).toEqual({
      type: 'adam',
      learning_rate: 0.003,
      beta_1: 0.9,
    })
    expect(specAfter(spec, 20)).toMatchObject({
      optimizer: { type: 'sgd', learning_rate: 0.1 },
      batch_size: 8,
      epochs: 100,
    })
    expect(specAfter(spec, 20).optimizer).not.toHaveProperty('beta_1')
    expect(totalEpochs(spec)).toBe(500)
  })

  it('keeps an optimizer when its rate changes later', () => {
    const last = { epoch: 40, training: { optimizer: { learning_rate: 0.5 } } }
    const later = { ...spec, changes: [...spec.changes!, last] } as unknown as Spec
    expect(specAfter(later).optimizer).toEqual({ type: 'sgd', learning_rate: 0.5 })
  })

  it('says what changed', () => {
    const upTo = (n: number) => ({ ...spec, changes: spec.changes!.slice(0, n) })
    expect([1, 2, 3].map((n) => lastInWords(upTo(n)))).toEqual([
      'learning rate 0.003',
      'SGD, learning rate 0.1, batches of 8',
      '500 epochs',
    ])
  })

  it('has the samples and the frozen layers of each epoch', () => {
    const dataset = { inputs: [[1], [2], [3]], targets: [[0], [1], [0]], weights: [1, 2, 3] }
    const changes = [
      { epoch: 1, training: { freeze: ['dense_1'], samples: [{ index: 1 }] } },
      { epoch: 2, training: { samples: [{ inputs: [5], targets: [1] }], clear: ['augmentation'] } },
      {
        epoch: 3,
        training: {
          unfreeze: ['dense_1'],
          samples: [{ index: 0, inputs: [4], targets: [1] }, { index: 2 }],
        },
      },
    ]
    const run = { ...spec, dataset, changes, augmentation: [{}] } as unknown as Spec
    expect(specAfter(run, 1)).toMatchObject({
      freeze: ['dense_1'],
      dataset: { inputs: [[1], [3]], targets: [[0], [0]], weights: [1, 3] },
    })
    expect(specAfter(run, 2)).toMatchObject({
      augmentation: [],
      dataset: { inputs: [[1], [3], [5]], targets: [[0], [0], [1]], weights: [1, 3, 1] },
    })
    expect(specAfter(run)).toMatchObject({
      freeze: [],
      dataset: { inputs: [[4], [3]], targets: [[1], [0]], weights: [1, 3] },
    })
    expect(lastInWords(run)).toBe('samples: 1 moved, 1 removed, dense_1 trained again')
  })

  it('is repeated up to an epoch', () => {
    expect(repeated(spec, 15, {}).changes).toEqual(spec.changes!.slice(0, 1))
    const optimizer = { beta_1: 0.5 }
    expect(repeated(spec, 15, { optimizer }).changes!.slice(1)).toEqual([
      { epoch: 15, step: 0, training: { optimizer } },
    ])
    expect(repeated(spec, 10, { optimizer }).changes).toEqual([
      spec.changes![0],
      { epoch: 10, step: 0, training: { optimizer } },
    ])
  })

  it('replaces an option of its hidden layers', () => {
    const network = withHidden(spec, { activation: 'tanh', rate: 0.5 })
    const change = { epoch: 40, training: { network } }
    const later = { ...spec, changes: [...spec.changes!, change] } as unknown as Spec
    expect(hiddenActivations(specAfter(later, 39))).toEqual(['relu', 'relu'])
    expect(hiddenActivations(specAfter(later))).toEqual(['tanh', 'tanh'])
    expect(network.layers.at(-1)).toMatchObject({ activation: 'sigmoid' })
    expect(lastInWords(later)).toBe('activation tanh, rate 0.5')
  })
})

describe('two settings', () => {
  const before = {
    network: {
      input_shape: [2],
      layers: [
        { type: 'dense', units: 8, activation: 'relu' },
        { type: 'dense', units: 1, activation: 'sigmoid' },
      ],
    },
    dataset: { name: 'spiral' },
    loss: 'binary_cross_entropy',
    epochs: 100,
    optimizer: { type: 'adam', learning_rate: 0.01, beta_1: 0.8 },
    regularization: { l2: 0.1 },
  } as unknown as Schemas['TrainingSpec']
  const to = (fields: object) => changeBetween(before, { ...before, ...fields })
  const layers = (first: object) => ({
    network: { input_shape: [2], layers: [first, before.network['layers' as never][1]] },
  })

  it('are alike without what has no influence', () => {
    expect(to({})).toEqual({})
    expect(to({ name: 'another', labels: { a: 'b' } })).toEqual({})
  })

  it('differ by the noise of the data, or by points that were edited', () => {
    const noisy = { name: 'spiral', noise: 0.2 }
    expect(to({ dataset: noisy })).toEqual({ dataset: noisy })
    expect(to({ dataset: { name: 'spiral', samples: 90 } })).toBeUndefined()
    const [a, b, c, d] = [[0], [1], [2], [3]]
    const points = (...inputs: number[][]) => ({
      dataset: { inputs, targets: inputs.map(() => [0]), class_names: ['a', 'b'] },
    })
    const drawn = { ...before, ...points(a, b, c) } as unknown as Schemas['TrainingSpec']
    const edit = (after: object) => changeBetween(drawn, { ...drawn, ...after })
    expect(to(points(a, b, d))).toBeUndefined()
    const generated = points(a, b, c).dataset as never
    const edited = { ...before, ...points(a, b, d) } as unknown as Schemas['TrainingSpec']
    expect(changeBetween(before, edited, generated)).toEqual({
      dataset: generated,
      samples: [{ index: 2, inputs: d, targets: [0] }],
    })
    expect(edit(points(a, d, c))).toEqual({ samples: [{ index: 1, inputs: d, targets: [0] }] })
    expect(edit(points(a, b, c, d))).toEqual({ samples: [{ inputs: d, targets: [0] }] })
    expect(edit(points(b))).toEqual({ samples: [{ index: 0 }, { index: 1 }] })
    // All at once, as it is neither.
    expect(edit(points(b, d))).toEqual({ dataset: points(b, d).dataset })
    expect(edit({ dataset: { ...points(a).dataset, class_names: ['b', 'a'] } })).toBeUndefined()
  })

  it('differ by the options of an optimizer, or by all of another one', () => {
    const rate = { type: 'adam', learning_rate: 0.1, beta_1: 0.8 }
    expect(to({ optimizer: rate })).toEqual({ optimizer: { learning_rate: 0.1 } })
    const sgd = { type: 'sgd', learning_rate: 0.01 }
    expect(to({ optimizer: sgd })).toEqual({ optimizer: sgd })
    // A run cannot forget an option.
    expect(to({ optimizer: { type: 'adam', learning_rate: 0.01 } })).toBeUndefined()
  })

  it('differ by what is absent as by its default', () => {
    expect(to({ regularization: undefined, batch_size: 8 })).toEqual({
      regularization: {},
      batch_size: 8,
    })
  })

  it('are of one run if the network has the same shapes', () => {
    const tanh = layers({ type: 'dense', units: 8, activation: 'tanh' })
    expect(to(tanh)).toEqual(tanh)
    expect(to(layers({ type: 'dense', units: 8 }))).toBeDefined()
    expect(to(layers({ type: 'dense', units: 7, activation: 'relu' }))).toBeUndefined()
    expect(to({ dataset: { name: 'circles' } })).toBeUndefined()
    expect(to({ epochs: 101 })).toEqual({ epochs: 101 })
    expect(to({ epochs: 99 })).toBeUndefined()
  })
})

test('changes that wait become one', () => {
  expect(
    joined({ optimizer: { learning_rate: 1 }, batch_size: 8 }, { optimizer: { type: 'sgd' } }),
  ).toEqual({ optimizer: { learning_rate: 1, type: 'sgd' }, batch_size: 8 })
})

test('samples change in order, unless other data replace them', () => {
  const [first, second] = [{ index: 0 }, { index: 3 }]
  expect(joined({ samples: [first] }, { samples: [second] })).toEqual({ samples: [first, second] })
  const dataset = { name: 'xor' as const }
  expect(joined({ samples: [first] }, { dataset })).toEqual({ dataset })
})

test('the last value of a weight counts', () => {
  const weight = (index: number, value: number) => ({
    layer: 'dense_1',
    array: 'weight' as const,
    index: [index],
    value,
  })
  const { weights } = joined(
    { weights: [weight(0, 1), weight(1, 1)] },
    { weights: [weight(0, 2), weight(2, 1)] },
  )
  expect(weights).toEqual([weight(0, 2), weight(1, 1), weight(2, 1)])
})
