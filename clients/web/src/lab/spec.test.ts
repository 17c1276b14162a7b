import { describe, expect, it } from 'vitest'

import type { Schemas } from '@epochal/client'
import {
  changedFrom,
  compact,
  endingIn,
  factsWith,
  frozenAfter,
  getAt,
  isSpec,
  labLink,
  layersOf,
  lossesFor,
  outputFor,
  pathName,
  readNumbers,
  setAt,
  START,
  steps,
  suggestedSpec,
  withClass,
  withCorruption,
  withData,
  withLoss,
  type Facts,
  type Spec,
  readsClass,
} from './spec'

const MOONS: Facts = {
  task: 'binary',
  samples: 400,
  features: 2,
  classes: 2,
  targets: 1,
  tokens: 0,
  images: false,
}
const IRIS: Facts = {
  task: 'multiclass',
  samples: 150,
  features: 4,
  classes: 3,
  targets: 1,
  tokens: 0,
  images: false,
}
const DIGITS: Facts = {
  task: 'multiclass',
  samples: 1797,
  features: 64,
  classes: 10,
  targets: 1,
  tokens: 0,
  images: true,
}
const SINE: Facts = {
  task: 'regression',
  samples: 200,
  features: 1,
  classes: 0,
  targets: 1,
  tokens: 0,
  images: false,
}
const XOR: Facts = {
  task: 'binary',
  samples: 4,
  features: 2,
  classes: 2,
  targets: 1,
  tokens: 0,
  images: false,
}

const last = (spec: Spec) => layersOf(spec).at(-1)

describe('a document', () => {
  it('drops empty values, and keeps 0 and false', () => {
    expect(
      compact({ a: null, b: {}, c: [], d: 0, e: false, f: { g: null }, h: [{ i: null, j: 1 }] }),
    ).toEqual({
      d: 0,
      e: false,
      h: [{ j: 1 }],
    })
  })

  it('is changed at one path; the rest stays the same object', () => {
    const next = setAt(START, ['network', 'layers', 1, 'units'], 5)
    expect(getAt(next, ['network', 'layers', 1, 'units'])).toBe(5)
    expect(getAt(START, ['network', 'layers', 1, 'units'])).toBe(8)
    expect(next.optimizer).toBe(START.optimizer)
  })

  it('creates a missing parent object, and removes a setting', () => {
    expect(setAt(START, ['clipping', 'norm'], 1).clipping).toEqual({ norm: 1 })
    expect('seed' in setAt(START, ['seed'], undefined)).toBe(false)
  })

  it('names fields like the service', () => {
    expect(pathName(['network', 'layers', 1, 'layers', 0, 'units'])).toBe(
      'network.layers[1].layers[0].units',
    )
  })

  it('survives a round trip through a link', () => {
    const text = new URL(labLink({ ...START, name: 'a & b' }), 'http://host').searchParams.get(
      'lab.spec',
    )!
    expect(JSON.parse(text)).toEqual({ ...START, name: 'a & b' })
    expect(isSpec(JSON.parse(text))).toBe(true)
    expect(isSpec({ network: {} })).toBe(false)
    expect(isSpec(null)).toBe(false)
  })
})

describe('the end of a network', () => {
  it.each([
    ['binary_cross_entropy', MOONS, 1, 'sigmoid'],
    ['cross_entropy', MOONS, 2, 'softmax'],
    ['cross_entropy', DIGITS, 10, 'softmax'],
    ['hinge', MOONS, 1, 'linear'],
    ['perceptron', XOR, 1, 'step'],
    ['mse', SINE, 1, 'linear'],
    ['mse', IRIS, 3, 'sigmoid'],
  ] as const)('for the loss %s', (loss, facts, units, activation) => {
    expect(outputFor(loss, facts)).toEqual({ units, activation })
  })

  it('is changed in place, or added if missing', () => {
    expect(endingIn([{ type: 'dense', units: 4 }], 3, 'softmax')).toEqual([
      { type: 'dense', units: 3, activation: 'softmax' },
    ])
    expect(
      endingIn(
        [
          { type: 'dense', units: 4 },
          { type: 'activation', activation: 'relu' },
        ],
        2,
        'softmax',
      ),
    ).toEqual([
      { type: 'dense', units: 2 },
      { type: 'activation', activation: 'softmax' },
    ])
    expect(endingIn([{ type: 'flatten' }], 1, 'linear')).toEqual([
      { type: 'flatten' },
      { type: 'dense', units: 1, activation: 'linear' },
    ])
  })
})

describe('another loss', () => {
  it('changes the output layer and the optimizer', () => {
    const ruled = withLoss(START, 'perceptron', MOONS)
    expect(ruled.optimizer?.type).toBe('perceptron')
    expect(last(ruled)).toMatchObject({ units: 1, activation: 'step' })
    const back = withLoss(ruled, 'hinge', MOONS)
    expect(back.optimizer).toEqual({ type: 'adam', learning_rate: 0.01 })
  })

  it('drops options of the old loss', () => {
    expect(
      withLoss({ ...START, loss: 'focal', loss_options: { gamma: 3 } }, 'hinge', MOONS)
        .loss_options,
    ).toBeUndefined()
  })
})

describe('class weights', () => {
  const weighted: Spec = { ...START, class_weights: [1, 5] }

  it('stay with a loss for classes, and leave with one for numbers', () => {
    expect(withLoss(weighted, 'focal', MOONS).class_weights).toEqual([1, 5])
    expect(withLoss(weighted, 'mse', MOONS).class_weights).toBeUndefined()
  })

  it('belong to the data, but for balanced ones', () => {
    expect(withData(weighted, { name: 'iris' }, IRIS).class_weights).toBeUndefined()
    const balanced: Spec = { ...START, class_weights: 'balanced' }
    expect(withData(balanced, { name: 'iris' }, IRIS).class_weights).toBe('balanced')
    expect(withData(balanced, { name: 'sine' }, SINE).class_weights).toBeUndefined()
  })

  it('are numbers in a text', () => {
    expect(readNumbers('1, 2.5 3')).toEqual([1, 2.5, 3])
    expect(readNumbers('1, two')).toBeUndefined()
    expect(readNumbers('')).toBeUndefined()
  })
})

describe('other data', () => {
  it('keep the hidden layers and change input and output', () => {
    const built = setAt(START, ['network', 'layers', 0, 'units'], 20)
    const next = withData(built, { name: 'iris' }, IRIS)
    expect(next.network).toEqual({
      input_shape: [4],
      layers: [
        { type: 'dense', units: 20, activation: 'tanh' },
        { type: 'dense', units: 8, activation: 'tanh' },
        { type: 'dense', units: 3, activation: 'softmax' },
      ],
    })
    expect(next.loss).toBe('cross_entropy')
    expect(next.dataset.scaling).toBe('standard')
  })

  it('get a suitable network if the user has built none', () => {
    expect(
      layersOf(withData(START, { name: 'digits' }, DIGITS)).map(
        (layer) => 'units' in layer && layer.units,
      ),
    ).toEqual([32, 10])
  })

  it('replace an image network by a dense one', () => {
    const pictures: Spec = {
      ...START,
      network: {
        input_shape: [8, 8, 1],
        layers: [
          { type: 'conv2d', filters: 2, kernel_size: [3, 3] },
          { type: 'flatten' },
          { type: 'dense', units: 10 },
        ],
      },
    }
    expect(layersOf(withData(pictures, { name: 'sine' }, SINE)).map((layer) => layer.type)).toEqual(
      ['dense', 'dense', 'dense'],
    )
  })

  it('use no validation and more epochs for few samples', () => {
    const next = withData(START, { name: 'xor' }, XOR)
    expect(next.validation_fraction).toBe(0)
    expect(next.epochs).toBe(500)
    expect(withData(next, { name: 'two_moons' }, MOONS).validation_fraction).toBe(0.2)
  })

  it('keep the settings while a drawing grows', () => {
    const drawing = (samples: number) => ({
      inputs: Array.from({ length: samples }, () => [0, 1]),
      targets: Array.from({ length: samples }, () => [1]),
    })
    const facts = (samples: number): Facts => ({ ...MOONS, samples })
    const first = withData(START, drawing(4), facts(4))
    expect(first).toMatchObject({
      validation_fraction: 0,
      epochs: 500,
      optimizer: { learning_rate: 0.05 },
    })
    const more = withData({ ...first, epochs: 50 }, drawing(40), facts(40))
    expect(more).toMatchObject({ validation_fraction: 0.2, epochs: 50 })
    expect(
      withData({ ...more, validation_fraction: 0 }, drawing(41), facts(41)).validation_fraction,
    ).toBe(0)
  })

  it('keep a loss that still applies', () => {
    const huber = withLoss(START, 'huber', MOONS)
    expect(withData(huber, { name: 'sine' }, SINE).loss).toBe('huber')
    expect(lossesFor(SINE)).not.toContain('cross_entropy')
    expect(withData(START, { name: 'sine' }, SINE).loss).toBe('mse')
  })
})

it('steps are batches times epochs', () => {
  expect(steps({ ...START, epochs: 10, batch_size: 32 }, 100)).toBe(40)
  expect(steps({ ...START, epochs: 10, batch_size: 32 }, 4)).toBe(10)
})

describe('what is hidden', () => {
  const TOPICS: Facts = { ...IRIS, features: 13, classes: 6, tokens: 253 }

  it('needs a network that reads a new token and predicts all others', () => {
    const scaled: Spec = { ...START, dataset: { name: 'topics', scaling: 'standard' } }
    const spec = withCorruption(scaled, { type: 'mask', token: 253 }, TOPICS)
    expect(spec).toMatchObject({
      dataset: { scaling: 'none' },
      loss: 'cross_entropy',
      corruption: { type: 'mask', token: 253 },
      network: { input_shape: [13] },
    })
    expect(layersOf(spec)[0]).toMatchObject({ type: 'embedding', vocabulary: 254 })
    expect(layersOf(spec).at(-1)).toMatchObject({ units: 253, activation: 'softmax' })
    const more = withCorruption(spec, { type: 'mask', token: 260 }, TOPICS)
    expect(layersOf(more)[0]).toMatchObject({ type: 'embedding', vocabulary: 261 })
    expect(layersOf(more)).toHaveLength(layersOf(spec).length)
  })

  it('is predicted at each position, by a network that read all of them to one answer', () => {
    const types = (spec: Spec) => layersOf(spec).map(({ type }) => type)
    const reader: Spec = {
      ...START,
      dataset: { name: 'topics' },
      network: {
        input_shape: [13],
        layers: [
          { type: 'embedding', vocabulary: 253, units: 8 },
          { type: 'gru', units: 8 },
          { type: 'global_average_pool' },
          { type: 'dense', units: 6, activation: 'softmax' },
        ],
      },
    }
    const masked = withCorruption(reader, { type: 'mask', token: 253 }, TOPICS)
    expect(types(masked)).toEqual(['embedding', 'gru', 'dense'])
    expect(layersOf(masked)[1]).toMatchObject({ return_sequences: true })
    const plain = withCorruption(masked, undefined, TOPICS)
    expect(types(plain)).toEqual(['embedding', 'gru', 'global_average_pool', 'dense'])
    expect(layersOf(plain).at(-1)).toMatchObject({ units: 6 })
  })

  it('is noise that a network with the time predicts, and can be taken back', () => {
    const spec = withCorruption(START, { type: 'diffuse' }, MOONS)
    expect(spec).toMatchObject({
      loss: 'mse',
      dataset: { scaling: 'standard' },
      network: { input_shape: [3] },
    })
    expect(layersOf(spec).at(-1)).toMatchObject({ units: 2, activation: 'linear' })
    expect(readsClass(spec, MOONS)).toBe(false)
    const chosen = withClass(spec, true, MOONS)
    expect(chosen.network).toMatchObject({ input_shape: [5] })
    expect(readsClass(chosen, MOONS)).toBe(true)
    expect(withClass(chosen, false, MOONS)).toEqual(spec)
    expect(readsClass(START, MOONS)).toBeUndefined()
    const plain = withCorruption(spec, undefined, MOONS)
    expect(plain.dataset.scaling).toBeUndefined()
    expect(plain.optimizer).toEqual(START.optimizer)
    expect(plain).not.toHaveProperty('schedule')
    expect(plain).not.toHaveProperty('corruption')
    expect(plain.network).toMatchObject({ input_shape: [2] })
    expect(layersOf(plain).at(-1)).toMatchObject({ units: 1, activation: 'sigmoid' })
  })

  it('is noise in images, whose pixels are scaled to [0, 1], with a wider network', () => {
    const noisy = withCorruption(START, { type: 'diffuse', steps: 20 }, MOONS)
    const spec = withData(noisy, { name: 'digits' }, DIGITS)
    expect(spec).toMatchObject({
      loss: 'mse',
      dataset: { name: 'digits', scaling: 'minmax' },
      corruption: { type: 'diffuse', steps: 20 },
      network: { input_shape: [75] },
      optimizer: { learning_rate: 0.003 },
      schedule: { type: 'cosine' },
    })
    expect(readsClass(spec, DIGITS)).toBe(true)
    const units = (of: Spec) => layersOf(of).map((layer) => 'units' in layer && layer.units)
    expect(units(noisy)).toEqual([64, 64, 64, 2])
    expect(units(spec)).toEqual([256, 256, 64])
    const edited = setAt(spec, ['network', 'layers', 0, 'units'], 100)
    expect(units(withCorruption(edited, { type: 'diffuse' }, DIGITS))).toEqual([100, 256, 64])
    const convolution: Spec = {
      ...START,
      network: {
        input_shape: [64],
        layers: [{ type: 'reshape', shape: [8, 8, 1] }, { type: 'flatten' }],
      },
    }
    expect(units(withCorruption(convolution, { type: 'diffuse' }, DIGITS))).toEqual([256, 256, 64])
    expect(withData(spec, { name: 'topics' }, TOPICS)).not.toHaveProperty('corruption')
  })

  it('is the new last token of other data', () => {
    const spec = withCorruption(START, { type: 'mask', token: 9, share: 0.3 }, TOPICS)
    const other = { ...TOPICS, tokens: 300 }
    expect(withData(spec, { name: 'topics' }, other).corruption).toEqual({
      type: 'mask',
      token: 300,
      share: 0.3,
    })
    expect(withData(spec, { name: 'two_moons' }, MOONS)).not.toHaveProperty('corruption')
  })
})

describe('sequences', () => {
  const REVERSAL: Facts = {
    task: 'sequence',
    samples: 5000,
    features: 12,
    classes: 8,
    targets: 6,
    tokens: 9,
    images: false,
  }
  const types = (spec: Spec) => layersOf(spec).map((layer) => layer.type)

  it('use a causal network that keeps the positions', () => {
    const spec = withData(START, { name: 'reversal' }, REVERSAL)
    expect(spec.loss).toBe('cross_entropy')
    expect(types(spec)).toEqual(['embedding', 'gru', 'slice', 'dense'])
    expect(layersOf(spec)[0]).toMatchObject({ vocabulary: 9 })
    expect(layersOf(spec)[2]).toMatchObject({ start: 6 })
    expect(last(spec)).toMatchObject({ units: 8, activation: 'softmax' })
    expect('scaling' in spec.dataset).toBe(false)
  })

  it('use attention for sorting, and two numbers per step for adding', () => {
    expect(
      types(withData(START, { name: 'sorting' }, { ...REVERSAL, features: 6, tokens: 8 })),
    ).toContain('transformer_block')
    const adding = withData(START, { name: 'adding' }, { ...SINE, features: 100 })
    expect(layersOf(adding)[0]).toMatchObject({ type: 'reshape', shape: [50, 2] })
    expect(adding.loss).toBe('mse')
  })

  it('are replaced by a dense network for points', () => {
    const spec = withData(
      withData(START, { name: 'reversal' }, REVERSAL),
      { name: 'two_moons' },
      MOONS,
    )
    expect(types(spec)).toEqual(['dense', 'dense', 'dense'])
    expect(spec.epochs).toBeGreaterThanOrEqual(100)
  })

  it('of another length or vocabulary have other shapes, however many parameters change', () => {
    const names = (count: number) => Array.from({ length: count }, (_, i) => `${i}`)
    const entry = {
      ...REVERSAL,
      class_names: names(8),
      target_names: names(6),
      token_names: names(9),
      feature_names: names(12),
    } as unknown as Schemas['Dataset']
    const usual = [
      { name: 'length', usual: 6 },
      { name: 'classes', usual: 8 },
      { name: 'merges', usual: 0 },
    ]
    const facts = (chosen: object) => factsWith(entry, usual, { ...chosen })
    expect(facts({})).toMatchObject({ samples: REVERSAL.samples, features: 12, tokens: 9 })
    expect(facts({ length: 4 })).toMatchObject({ features: 8, targets: 4, tokens: 9 })
    expect(facts({ merges: 20 })).toMatchObject({ classes: 28, tokens: 29 })
    expect(facts({ classes: 5, length: 3, samples: 70 })).toMatchObject({
      samples: 70,
      features: 6,
      targets: 3,
      classes: 5,
      tokens: 6,
      task: 'sequence',
    })
  })
})

describe('a suggestion', () => {
  const suggestion = {
    spec: {
      ...START,
      name: 'the file',
      dataset: { id: 'data_1', scaling: 'standard' },
      target_scaling: 'standardize',
      clipping: { norm: null, value: null },
    },
    reasons: ['network', 'dataset.scaling', 'epochs'].map((field) => ({
      field,
      value: '',
      reason: 'Because.',
    })),
  } as unknown as Schemas['Suggestion']

  it('has no name and no empty values, as the lab edits a spec', () => {
    expect(suggestedSpec(suggestion)).not.toHaveProperty('name')
    expect(suggestedSpec(suggestion)).not.toHaveProperty('clipping')
  })

  it('knows which of its choices the user has changed', () => {
    const spec = suggestedSpec(suggestion)
    expect(changedFrom(suggestion, spec)).toEqual(new Set())
    expect(changedFrom(suggestion, { ...spec, seed: 3 })).toEqual(new Set())
    expect(changedFrom(suggestion, { ...spec, dataset: { id: 'data_1' }, epochs: 3 })).toEqual(
      new Set(['dataset.scaling', 'epochs']),
    )
  })
})

describe('frozen layers', () => {
  const [first, second, output] = layersOf(START)
  const frozen: Spec = { ...START, freeze: ['dense_1', 'dense_3'] }
  const after = (...layers: ReturnType<typeof layersOf>[number][]): string[] =>
    frozenAfter(frozen, { ...frozen, network: { input_shape: [2], layers } })

  it('stay frozen when layers are added, moved and edited', () => {
    expect(after(first!, { type: 'dropout', rate: 0.5 }, second!, output!)).toEqual([
      'dense_1',
      'dense_4',
    ])
    expect(after(second!, first!, output!)).toEqual(['dense_2', 'dense_3'])
    expect(after({ type: 'dense', units: 9 }, second!, { ...output!, name: 'head' })).toEqual([
      'dense_1',
      'head',
    ])
  })

  it('are no longer frozen when they are removed or become another type', () => {
    expect(after(second!, output!)).toEqual(['dense_2'])
    expect(after({ type: 'layer_norm' }, second!, output!)).toEqual(['dense_3'])
    expect(frozenAfter(START, frozen)).toEqual([])
  })
})
