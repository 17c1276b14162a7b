// @vitest-environment jsdom
import { flushSync } from 'svelte'
import { beforeEach, describe, expect, it, vi } from 'vitest'

import { navigate, parse } from './route.svelte'
import {
  Address,
  addressChanged,
  flag,
  json,
  number,
  numbers,
  text,
  urlState,
  whole,
  word,
} from './url.svelte'

const isPair = (value: unknown): value is [number, number] =>
  Array.isArray(value) && value.length === 2

function state() {
  return urlState('lab', {
    rate: number(0.1, [0, 1]),
    sizes: numbers([4, 4], [1, 8]),
    loss: word('mse', ['mse', 'huber']),
    name: text(),
    live: flag(),
    pair: json([1, 2], isPair),
  })
}

function visit(query: string): void {
  history.replaceState(null, '', `/lab${query}`)
  addressChanged()
}

const rest = () => vi.advanceTimersByTimeAsync(1000)

beforeEach(async () => {
  vi.useFakeTimers()
  await rest()
  visit('')
})

describe('state in the URL', () => {
  it('is read from a link', () => {
    visit('?lab.rate=0.5&lab.sizes=8,2&lab.loss=huber&lab.name=a%20b&lab.live=1&lab.pair=[3,4]')
    const { rate, sizes, loss, name, live, pair } = state()
    expect({ rate, sizes, loss, name, live, pair }).toEqual({
      rate: 0.5,
      sizes: [8, 2],
      loss: 'huber',
      name: 'a b',
      live: true,
      pair: [3, 4],
    })
  })

  it('uses defaults for invalid values', () => {
    visit('?lab.rate=fast&lab.sizes=&lab.loss=none&lab.live=maybe&lab.pair={')
    const { rate, sizes, loss, live, pair } = state()
    expect({ rate, sizes, loss, live, pair }).toEqual({
      rate: 0.1,
      sizes: [4, 4],
      loss: 'mse',
      live: false,
      pair: [1, 2],
    })
    visit('?lab.rate=7')
    expect(state().rate).toBe(1)
  })

  it('keeps a whole number whole', async () => {
    visit('?net.depth=3.6')
    const net = urlState('net', { depth: whole(1, [1, 9]) })
    expect(net.depth).toBe(4)
    net.depth = 8.4
    flushSync()
    expect(net.depth).toBe(8)
    await rest()
    expect(location.search).toBe('?net.depth=8')
  })

  it('is written at once, without defaults', async () => {
    const lab = state()
    lab.rate = 0.2
    lab.sizes = [8, 8, 8]
    flushSync()
    expect([lab.rate, lab.sizes]).toEqual([0.2, [8, 8, 8]])
    await Promise.resolve()
    expect(location.search).toBe('?lab.rate=0.2&lab.sizes=8,8,8')
    lab.rate = 0.1
    await rest()
    expect(location.search).toBe('?lab.sizes=8,8,8')
    lab.reset()
    await rest()
    expect(location.search).toBe('')
  })

  it('is throttled while it keeps changing, and includes the last change', async () => {
    const writes = vi.spyOn(history, 'replaceState')
    const lab = state()
    for (let step = 1; step <= 300; step += 1) {
      lab.rate = step / 1000
      await vi.advanceTimersByTimeAsync(10)
    }
    await rest()
    expect(location.search).toBe('?lab.rate=0.3')
    expect(writes.mock.calls.length).toBeLessThan(10) // in three seconds: browsers allow a hundred in thirty
    writes.mockRestore()
  })

  it('is written before leaving the address, and not after', async () => {
    const lab = state()
    lab.rate = 0.6
    await Promise.resolve()
    lab.rate = 0.7 // while the first change rests
    const writes = vi.spyOn(history, 'replaceState')
    navigate('/jobs')
    expect(writes).toHaveBeenCalledExactlyOnceWith(null, '', '/lab?lab.rate=0.7')
    await rest()
    expect(location.pathname + location.search).toBe('/jobs')
    writes.mockRestore()
  })
})

describe('state of figures within another page', () => {
  it('is that of all figures with the same address, and is not in the URL', async () => {
    const [lesson, other] = [new Address(), new Address()]
    const states = [lesson, lesson, other].map((at) => urlState('map', { output: number(1) }, at))
    states[0]!.output = 3
    flushSync()
    await rest()
    expect(states.map(({ output }) => output)).toEqual([3, 3, 1])
    expect(location.search).toBe('')
  })
})

describe('a path', () => {
  it.each([
    ['/', { page: 'journey' }],
    ['/lab', { page: 'lab' }],
    ['/jobs', { page: 'jobs' }],
    ['/jobs/compare', { page: 'compare' }],
    ['/jobs/job_1', { page: 'job', id: 'job_1' }],
    ['/v1/jobs', { page: 'unknown', path: '/v1/jobs' }],
    ['/jobs/a/b', { page: 'unknown', path: '/jobs/a/b' }],
  ])('%s names a page', (path, route) => expect(parse(path)).toEqual(route))
})
