// @vitest-environment jsdom
import { flushSync, mount, unmount } from 'svelte'
import { afterEach, expect, test, vi } from 'vitest'

import { api, type Schemas } from '../lib/api'
import Gallery from './Gallery.svelte'

const dataset = (name: string, samples: number) =>
  ({
    id: name,
    name,
    samples,
    features: 2,
    task: 'binary',
    builtin: true,
    description: '',
    parameters: [],
    class_names: ['0', '1'],
    token_names: [],
  }) as unknown
const DATASETS = [dataset('iris', 150), dataset('xor', 4)] as Schemas['Dataset'][]
const THUMBNAILS = DATASETS.map(({ id }) => ({
  dataset: id,
  inputs: [
    [0, 0],
    [1, 1],
  ],
  targets: [[0], [1]],
}))

let shown: ReturnType<typeof mount>

function show(chosen: string): void {
  const props = { datasets: DATASETS, thumbnails: THUMBNAILS, chosen, onchoose: () => undefined }
  shown = mount(Gallery, { target: document.body, props })
  flushSync()
}

afterEach(async () => {
  await unmount(shown)
  vi.restoreAllMocks()
})

test('thumbnails are drawn from the list, without further requests', () => {
  const requests = vi.spyOn(api, 'GET')
  // jsdom has no canvas to draw on.
  vi.spyOn(HTMLCanvasElement.prototype, 'getContext').mockReturnValue(null)
  show('iris')
  expect(document.querySelectorAll('button canvas')).toHaveLength(1)
  const group = document.querySelector('details')!
  group.open = true
  group.dispatchEvent(new Event('toggle'))
  flushSync()
  expect(document.querySelectorAll('button canvas')).toHaveLength(2)
  expect(requests).not.toHaveBeenCalled()
})

test('the group of the selected data set is open', () => {
  vi.spyOn(HTMLCanvasElement.prototype, 'getContext').mockReturnValue(null)
  show('xor')
  expect(document.querySelector('details [aria-pressed=true]')!.textContent).toContain('xor')
})
