// @vitest-environment jsdom
import { flushSync, mount, unmount } from 'svelte'
import { afterEach, expect, test, vi } from 'vitest'

import { api, type Schemas } from '../lib/api'
import Gallery from './Gallery.svelte'

const dataset = (name: string, samples: number) =>
  ({ id: name, name, samples, builtin: true, description: '', parameters: [] }) as unknown
const DATASETS = [dataset('iris', 150), dataset('xor', 4)] as Schemas['Dataset'][]

let shown: ReturnType<typeof mount>

/** Show the gallery; returns the data sets whose preview it has requested. */
function show(chosen: string): string[] {
  const requested: string[] = []
  const get = (_path: string, { params }: { params: { path: { id: string } } }) => {
    requested.push(params.path.id)
    return Promise.reject(new Error('no preview'))
  }
  vi.spyOn(api, 'GET').mockImplementation(get as never)
  const props = { datasets: DATASETS, chosen, onchoose: () => undefined }
  shown = mount(Gallery, { target: document.body, props })
  flushSync()
  return requested
}

afterEach(async () => {
  await unmount(shown)
  vi.restoreAllMocks()
})

test('thumbnails of truth tables are requested when their group opens', () => {
  const requested = show('iris')
  expect(requested).toEqual(['iris'])
  const group = document.querySelector('details')!
  group.open = true
  group.dispatchEvent(new Event('toggle'))
  flushSync()
  expect(requested).toEqual(['iris', 'xor'])
})

test('the group of the selected data set is open', () => {
  show('xor')
  expect(document.querySelector('details [aria-pressed=true]')!.textContent).toContain('xor')
})
