// @vitest-environment jsdom
import { flushSync, mount, unmount } from 'svelte'
import { SvelteMap } from 'svelte/reactivity'
import { expect, test, vi } from 'vitest'

const requested = vi.fn((request: Request | string) => {
  void request
  return Promise.resolve(new Response('png'))
})
vi.stubGlobal('fetch', requested)
URL.createObjectURL = () => 'blob:map'
URL.revokeObjectURL = () => undefined
// The client takes the `fetch` that it finds when it is loaded.
const { default: RunMap } = await import('./RunMap.svelte')

test('a map is requested once for each job, however often the board is read', async () => {
  const board = new SvelteMap([['row', { job: 'job_1' }]])
  const props = {
    label: 'Map',
    get job() {
      return board.get('row')!.job
    },
  }
  const shown = mount(RunMap, { target: document.body, props })
  for (const job of ['job_1', 'job_1', 'job_2']) {
    board.set('row', { job })
    flushSync()
  }
  await vi.waitFor(() => expect(document.querySelector('img')?.alt).toBe('Map'))
  const paths = requested.mock.calls.map(([request]) =>
    typeof request === 'string' ? request : request.url,
  )
  expect(paths.map((path) => /job_\d/.exec(path)?.[0])).toEqual(['job_1', 'job_2'])
  await unmount(shown)
})
