import { describe, expect, it } from 'vitest'

import { ids, offsets, titles } from './compare'

const from = (job: string, epoch: number) => ({ forked_from: { job, epoch } })

describe('runs on one axis', () => {
  it('begin together if none came of another', () => {
    expect([...offsets([{ id: 'a' }, { id: 'b', ...from('gone', 9) }]).values()]).toEqual([0, 0])
  })

  it('begin where they were taken from one that is shown, or from the same one', () => {
    expect([...offsets([{ id: 'c', ...from('b', 5) }, { id: 'b', ...from('a', 20) }, { id: 'a' }]).values()]).toEqual([25, 20, 0])
    expect([...offsets([{ id: 'b', ...from('gone', 20) }, { id: 'c', ...from('gone', 30) }]).values()]).toEqual([20, 30])
  })

  it('are told apart where they have the same name', () => {
    expect(titles([{ id: 'job_0001', name: 'Moons' }, { id: 'job_0002', name: 'Moons' }, { id: 'job_0003' }])).toEqual([
      'Moons (0001)', 'Moons (0002)', 'another run',
    ])
  })

  it('are read from a link', () => {
    expect(ids('a,b,')).toEqual(['a', 'b'])
    expect(ids('')).toEqual([])
  })
})
