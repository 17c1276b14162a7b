import { describe, expect, it } from 'vitest'

import type { Schemas } from '../lib/api/client'
import { costOf, estimate } from './estimate'
import { START, type Spec } from './spec'

function run(id: string, epochs: number, flops: number, seconds: number): Schemas['Job'] {
  const spec: Spec = { ...START, epochs, batch_size: 10 }
  return {
    id,
    spec,
    flops,
    samples: 100,
    epoch: epochs,
    started_at: '2030-01-01T00:00:00Z',
    finished_at: new Date(Date.UTC(2030, 0, 1) + 1000 * seconds).toISOString(),
  } as Schemas['Job']
}

describe('an estimate', () => {
  // 100 samples in batches of 10: ten steps per epoch.
  const cost = costOf({ ...START, epochs: 20, batch_size: 10 }, 100, 2000)

  it('uses the time per step of the most similar run', () => {
    expect(cost).toEqual({ steps: 200, size: 10 })
    const before = [run('near', 10, 1000, 3), run('far', 10, 1e9, 900)]
    expect(estimate(cost, before)).toEqual({ seconds: 6, job: 'near' })
  })

  it('grows with larger steps and does not shrink with smaller ones', () => {
    expect(estimate(cost, [run('half', 10, 500, 3)])?.seconds).toBe(12)
    expect(estimate(cost, [run('double', 10, 2000, 3)])?.seconds).toBe(6)
  })

  it('is undefined without earlier runs', () => {
    expect(estimate(cost, [])).toBeUndefined()
    expect(estimate(cost, [{ ...run('going', 10, 1000, 1), finished_at: null }])).toBeUndefined()
  })
})
