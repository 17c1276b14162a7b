// @vitest-environment jsdom
import { expect, it, vi } from 'vitest'

import type { Look } from './look.svelte'
import type { Trained } from './replies'
import { asking } from './requests'

const { signal } = new AbortController()

/** A line, y = 2 x - 1, after an epoch. */
const line = (epoch: number): Trained => ({
  epoch,
  spec: { loss: 'mse', loss_options: {} } as never,
  network: { input_shape: [1], layers: [{ type: 'dense', units: 1 }] },
  parameters: new Map([
    ['dense_1.weight', Float32Array.of(2)],
    ['dense_1.bias', Float32Array.of(-1)],
  ]),
})

/** A service whose newest epoch is 30, and requests that it got. */
function requested(look: Partial<Pick<Look, 'following' | 'live'>>, name = 'predict') {
  const fetch = vi.fn((request: object) =>
    Promise.resolve({ epoch: 30, outputs: [[0]], classes: [], ...request }),
  )
  const ask = asking<object, { epoch: number; outputs: number[][] }>(look as Look, name, fetch)
  return { fetch, ask: (request: object) => ask(request, signal) }
}

it('asks for the newest epoch without its number, and for another one with it', async () => {
  const look = { following: true }
  const { fetch, ask } = requested(look)
  await ask({ epoch: 29, inputs: [[3]] })
  look.following = false
  await ask({ epoch: 12, inputs: [[3]] })
  expect(fetch.mock.calls.map(([request]) => request)).toStrictEqual([
    { epoch: undefined, inputs: [[3]] },
    { epoch: 12, inputs: [[3]] },
  ])
})

it('computes what it has requested once from the newest weights', async () => {
  const look: Partial<Pick<Look, 'following' | 'live'>> = { following: true, live: line(31) }
  const { fetch, ask } = requested(look)
  await ask({ epoch: 30, inputs: [[3]] })
  expect(await ask({ epoch: 31, inputs: [[3]] })).toMatchObject({ epoch: 31, outputs: [[5]] })
  expect(fetch).toHaveBeenCalledTimes(1)
  // The answer to one question says nothing about the names of another one.
  await ask({ epoch: 31, inputs: [[4]] })
  expect(fetch).toHaveBeenCalledTimes(2)
})

it('asks the service for samples that are first in an order of theirs', async () => {
  const { fetch, ask } = requested({ following: true, live: line(31) }, 'sample-predictions')
  await ask({ epoch: 30, order: 'worst' })
  await ask({ epoch: 31, order: 'worst' })
  expect(fetch).toHaveBeenCalledTimes(2)
})
