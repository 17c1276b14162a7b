import { describe, expect, it } from 'vitest'

import type { Schemas } from '@epochal/client'
import { sizesOf } from './sizes'

const entry = (id: string, counts: number[], has_published_size = true) =>
  ({
    id,
    has_published_size,
    facts: [{ unit: 'days', value: 6 }, ...counts.map((value) => ({ unit: 'parameters', value }))],
  }) as Schemas['TimelineEntry']

describe('sizesOf', () => {
  it('takes the largest count, none for an unpublished size, and leaves out an entry without counts', () => {
    const sizes = sizesOf([
      entry('bert', [340e6, 117e6]),
      entry('xor', []),
      entry('chatgpt', [175e9], false),
    ])
    expect(sizes.map(({ entry, parameters }) => [entry.id, parameters])).toEqual([
      ['bert', 340e6],
      ['chatgpt', undefined],
    ])
  })
})
