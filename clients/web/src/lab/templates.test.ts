import { expect, it } from 'vitest'

import { isNextToken, templates } from './templates'

it('templates end as the loss requires, and use convolutions for images', () => {
  const facts = {
    task: 'multiclass',
    samples: 1797,
    features: 64,
    classes: 10,
    targets: 1,
    tokens: 0,
    images: true,
  } as const
  const all = templates(facts, 'cross_entropy', 8)
  expect(all.map(({ layers }) => layers.length)).toEqual([1, 2, 3, 7, 5])
  for (const { layers } of all)
    expect(layers.at(-1)).toEqual({ type: 'dense', units: 10, activation: 'softmax' })
  expect(
    templates({ ...facts, features: 4 }, 'cross_entropy', undefined).map(({ name }) => name),
  ).not.toContain('convolution')
})

it('templates for tokens are recurrent, or transformers that read earlier tokens to write', () => {
  const facts = {
    task: 'sequence',
    samples: 100,
    features: 12,
    classes: 8,
    targets: 6,
    tokens: 9,
    images: false,
  } as const
  const [recurrent, transformer] = templates(facts, 'cross_entropy', undefined, true)
  expect(recurrent!.layers.map(({ type }) => type)).toEqual(['embedding', 'gru', 'slice', 'dense'])
  expect(transformer!.layers).toContainEqual(
    expect.objectContaining({ type: 'transformer_block', causal: true }),
  )
  expect(transformer!.layers.at(-2)).toEqual({ type: 'slice', start: 6 })
  const topics = { ...facts, task: 'multiclass', classes: 3 } as const
  const [, reader] = templates(topics, 'cross_entropy', undefined)
  expect(reader!.layers.at(-2)).toEqual({ type: 'flatten' })
  expect(reader!.layers).not.toContainEqual(expect.objectContaining({ causal: true }))
})

it('a network writes if the targets are the tokens that follow', () => {
  expect(isNextToken({ inputs: [[1, 2, 3]], targets: [[2, 3, 9]] })).toBe(true)
  // What is only read comes first; -1 pads a short text.
  expect(isNextToken({ inputs: [[5, 6, 7, 0, 7, 6]], targets: [[7, 6, -1]] })).toBe(true)

  expect(isNextToken({ inputs: [[3, 2, 1]], targets: [[1, 2, 3]] })).toBe(false)
})
