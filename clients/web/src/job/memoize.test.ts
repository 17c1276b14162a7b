import { expect, it, vi } from 'vitest'

import { memoize } from './memoize'

const { signal } = new AbortController()

it('calls once per input and evicts the oldest', async () => {
  const fetch = vi.fn((input: { epoch: number }) => Promise.resolve(input.epoch * 2))
  const ask = memoize(fetch, 2)
  expect([
    await ask({ epoch: 1 }, signal),
    await ask({ epoch: 1 }, signal),
    await ask({ epoch: 2 }, signal),
  ]).toEqual([2, 2, 4])
  expect(fetch).toHaveBeenCalledTimes(2)
  await ask({ epoch: 3 }, signal)
  await ask({ epoch: 2 }, signal)
  expect(fetch).toHaveBeenCalledTimes(3)
  await ask({ epoch: 1 }, signal)
  expect(fetch).toHaveBeenCalledTimes(4)
})

it('calls again after a failure', async () => {
  const fetch = vi.fn().mockRejectedValueOnce(new Error('away')).mockResolvedValueOnce('here')
  const ask = memoize<{ epoch: number }, string>(fetch)
  await expect(ask({ epoch: 1 }, signal)).rejects.toThrow('away')
  expect(await ask({ epoch: 1 }, signal)).toBe('here')
})

it('gives a reply to the epoch that it names', async () => {
  const fetch = vi.fn((_: { epoch: number }) => Promise.resolve({ epoch: 3 }))
  const ask = memoize(fetch)
  await ask({ epoch: 1 }, signal)
  await ask({ epoch: 3 }, signal)
  expect(fetch).toHaveBeenCalledTimes(1)
  await ask({ epoch: 1 }, signal)
  expect(fetch).toHaveBeenCalledTimes(2)
})
