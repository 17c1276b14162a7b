import { expect, test } from 'vitest'

import { parts } from './sources'

test('a paper on arXiv has a link', () => {
  expect(parts('Vaswani et al. (2017), Attention is all you need, arXiv:1706.03762')).toEqual([
    { text: 'Vaswani et al. (2017), Attention is all you need, ' },
    { text: 'arXiv:1706.03762', href: 'https://arxiv.org/abs/1706.03762' },
  ])
})

test('two papers in one source have a link each and keep the text between them', () => {
  const match = parts(
    'Hochreiter (1997), doi:10.1162/neco.1997.9.8.1735; Gers et al. (2000), doi:10.1162/089976600300015015.',
  )
  expect(match.map((part) => part.text).join('')).toBe(
    'Hochreiter (1997), doi:10.1162/neco.1997.9.8.1735; Gers et al. (2000), doi:10.1162/089976600300015015.',
  )
  expect(match.flatMap((part) => part.href ?? [])).toEqual([
    'https://doi.org/10.1162/neco.1997.9.8.1735',
    'https://doi.org/10.1162/089976600300015015',
  ])
})

test('a book without an address is plain text', () => {
  expect(parts('Minsky and Papert (1969), Perceptrons, MIT Press')).toEqual([
    { text: 'Minsky and Papert (1969), Perceptrons, MIT Press' },
  ])
})
