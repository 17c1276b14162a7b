import { describe, expect, it } from 'vitest'

import {
  describedNames,
  elapsed,
  ids,
  offsets,
  placeName,
  smoothed,
  titles,
  valueName,
} from './compare'

const from = (job: string, epoch: number) => ({ forked_from: { job, epoch } })

describe('runs on one axis', () => {
  it('start together if none is a fork of another', () => {
    expect([...offsets([{ id: 'a' }, { id: 'b', ...from('gone', 9) }]).values()]).toEqual([0, 0])
  })

  it('start at the fork epoch if the parent or a sibling fork is shown', () => {
    expect([
      ...offsets([
        { id: 'c', ...from('b', 5) },
        { id: 'b', ...from('a', 20) },
        { id: 'a' },
      ]).values(),
    ]).toEqual([25, 20, 0])
    expect([
      ...offsets([
        { id: 'b', ...from('gone', 20) },
        { id: 'c', ...from('gone', 30) },
      ]).values(),
    ]).toEqual([20, 30])
  })

  it('are named by what differs, unless they have a name', () => {
    const runs = [{ id: 'job_0001' }, { id: 'job_0002', name: 'Mine' }, { id: 'job_0003' }]
    expect(
      describedNames(runs, [
        { path: 'name', values: ['null', '"Mine"', 'null'] },
        { path: 'network.layers[0]', values: ['{"units": 4}', '{"units": 8}', ''] },
        { path: 'optimizer.learning_rate', values: ['0.03', '0.1', '0.3'] },
        { path: 'dataset.name', values: ['"two_moons"', '"xor"', '"spiral"'] },
        { path: 'seed', values: ['0', '1', '2'] },
      ]),
    ).toEqual(['two moons, learning rate 0.03', 'Mine', 'spiral, learning rate 0.3'])
    expect(describedNames([{ id: 'job_0001' }, { id: 'job_0002' }], [])).toEqual([
      'run 0001',
      'run 0002',
    ])
  })

  it('get unique names', () => {
    expect(
      titles([
        { id: 'job_0001', name: 'Moons' },
        { id: 'job_0002', name: 'Moons' },
        { id: 'job_0003' },
      ]),
    ).toEqual(['Moons (0001)', 'Moons (0002)', 'another run'])
    expect(
      titles(
        [
          { id: 'job_0001', name: 'Moons' },
          { id: 'job_0002', name: 'Moons' },
        ],
        'job_0001',
      ),
    ).toEqual(['Moons, before', 'Moons'])
  })

  it('have readable field names and values', () => {
    expect(
      [
        'optimizer.learning_rate',
        'network.layers[0].units',
        'network.layers[0–1, 3].activation',
        'epochs',
        'after step 3 of epoch 9: network.layers[1].rate',
      ].map(placeName),
    ).toEqual([
      'optimizer, learning rate',
      'layer 1, units',
      'layers 1–2, 4, activation',
      'epochs',
      'after step 3 of epoch 9: layer 2, rate',
    ])
    expect(
      ['1e-08', '0.001', '"two_moons"', 'true', '""', '', '{"norm": 1.0}', '[8, 8]'].map(valueName),
    ).toEqual(['10⁻⁸', '0.001', 'two moons', 'yes', 'yes', '–', 'norm 1', '8, 8'])
  })

  it('are read from a link', () => {
    expect(ids('a,b,')).toEqual(['a', 'b'])
    expect(ids('')).toEqual([])
  })
})

it('a time is the sum of the epochs before it', () => {
  const time = elapsed([1, 3, 5], [2, 1, 3])
  expect([0, 1, 2, 3, 4, 5].map(time)).toEqual([0, 2, 3, 4, 7, 10])
  expect(elapsed([], [])(1)).toBeNaN()
})

it('smoothing has no bias towards its start, and leaves gaps', () => {
  expect(smoothed([4, 4, NaN, 4], 0.9)).toEqual([4, 4, NaN, 4])
  const [first, second] = smoothed([1, 2], 0.5)
  expect(first).toBe(1)
  expect(second).toBeCloseTo(5 / 3)
  expect(smoothed([1, 2, 9], 0)).toEqual([1, 2, 9])
})
