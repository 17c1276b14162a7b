import { expect, it } from 'vitest'

import { templates } from './templates'

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
