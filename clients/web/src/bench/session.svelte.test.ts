// @vitest-environment jsdom
import { flushSync } from 'svelte'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'

import type { Spec } from '../lab/spec'

const SPEC = {
  network: {
    input_shape: [2],
    layers: [
      { type: 'dense', units: 8, activation: 'tanh' },
      { type: 'dense', units: 1, activation: 'sigmoid' },
    ],
  },
  dataset: {
    inputs: [
      [0, 0],
      [1, 1],
    ],
    targets: [[0], [1]],
    class_names: ['a', 'b'],
  },
  loss: 'binary_cross_entropy',
  optimizer: { type: 'adam', learning_rate: 0.01 },
  epochs: 1000,
} as unknown as Spec

const JOB = { id: 'job_1', seq: 1, epoch: 5, state: 'running', spec: { ...SPEC, changes: [] } }
const SNAPSHOT = { job: JOB, curve: { series: [], epochs_per_bucket: 1, closed_epoch: 0 } }
const REFUSED = {
  reason: 'invalid_argument',
  title: 'The request is not valid',
  detail: 'batch_size must be smaller',
  errors: [],
}

/** The changes that the service got, and its reply to those of a batch. */
let changes: Record<string, unknown>[]
let refused: object | undefined
const streams: ReadableStreamDefaultController[] = []

function reply(path: string, fields: Record<string, unknown>): Response {
  if (path.endsWith('/changes')) {
    changes.push(fields)
    return 'batch_size' in fields && refused
      ? Response.json(refused, { status: 'errors' in refused ? 400 : 409 })
      : Response.json({ epoch: 6, step: 0, training: fields })
  }
  if (path.endsWith('/events')) {
    const text = `id: 1\nevent: snapshot\ndata: ${JSON.stringify(SNAPSHOT)}\n\n`
    const start = (controller: ReadableStreamDefaultController) => {
      streams.push(controller)
      controller.enqueue(new TextEncoder().encode(text))
    }
    return new Response(new ReadableStream({ start }))
  }
  return path.endsWith('/job_1') ? Response.json(JOB) : Response.json({ jobs: [], layers: [] })
}

vi.stubGlobal('fetch', async (request: Request | string) => {
  const url = new URL(typeof request === 'string' ? request : request.url, 'http://service')
  const text = typeof request === 'string' ? '' : await request.text()
  return reply(url.pathname, JSON.parse(text || '{}') as Record<string, unknown>)
})

history.replaceState(null, '', `/lab?lab.job=job_1&lab.spec=${JSON.stringify(SPEC)}`)
// The client takes the `fetch` that it finds when it is loaded.
const { Lab } = await import('../lab/lab.svelte')
const { Session } = await import('./session.svelte')

let lab: InstanceType<typeof Lab>
let session: InstanceType<typeof Session>
let close: () => void

beforeEach(async () => {
  changes = []
  refused = REFUSED
  close = $effect.root(() => {
    lab = new Lab()
    session = new Session(lab)
  })
  flushSync()
  await vi.waitFor(() => expect(session.run?.state).toBe('running'))
})

afterEach(() => {
  close()
  streams.length = 0
})

const setRate = (learning_rate: number) => {
  session.change({ optimizer: { learning_rate } })
  flushSync()
}
const setBatch = (batch_size: number) => {
  session.change({ batch_size })
  flushSync()
}
const settled = (count: number) =>
  vi.waitFor(() => {
    flushSync()
    expect(changes).toHaveLength(count)
    expect(session.problem).toBeDefined()
  })

test('a refused change leaves the settings that the service has accepted', async () => {
  setRate(0.1)
  await vi.waitFor(() => expect(changes).toHaveLength(1))
  setBatch(8)
  await settled(2)
  expect(session.problem?.message).toBe('batch_size must be smaller')
  expect(lab.spec.batch_size).toBeUndefined()
  expect(lab.spec.optimizer?.learning_rate).toBe(0.1)
  // The refused change is not undone: the one before it is.
  session.undo()
  flushSync()
  expect(lab.spec.optimizer?.learning_rate).toBe(0.01)
  expect(lab.undoable).toBe(false)
})

test('changes that wait behind a refused one are not made', async () => {
  setBatch(8)
  setRate(0.1)
  await settled(1)
  expect(lab.spec).toEqual(SPEC)
  expect(lab.undoable).toBe(false)
  // The run still takes changes.
  setRate(0.3)
  await vi.waitFor(() => expect(changes).toHaveLength(2))
  expect(changes[1]).toEqual({ optimizer: { learning_rate: 0.3 } })
})

test('settings that came after the end of the run stay for the next one', async () => {
  refused = { reason: 'job_state', title: 'Not now', detail: 'The job is succeeded' }
  setBatch(8)
  await settled(1)
  expect(lab.spec.batch_size).toBe(8)
  expect(session.isCurrent).toBe(true)
  expect(session.specOf('job_1')?.batch_size).toBeUndefined()
})
