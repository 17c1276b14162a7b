// @vitest-environment jsdom
import { flushSync, mount, unmount } from 'svelte'
import { afterEach, beforeAll, expect, test, vi } from 'vitest'

import type { Schemas } from '../lib/api'
import Waiting from './Waiting.svelte'

const DENSE = { type: 'dense', units: 24, activation: 'softmax' }

let shown: ReturnType<typeof mount>

function show(input_shape: number[], layers: unknown[]): string {
  const spec = { network: { input_shape, layers } } as unknown as Schemas['TrainingSpec']
  const props = { spec, awaits: 'Training the first epoch' }
  shown = mount(Waiting, { target: document.body, props })
  flushSync()
  return document.body.textContent ?? ''
}
const isDrawn = () => document.querySelector('[aria-label="The network to train"]') !== null

beforeAll(() => {
  // jsdom has no layout to observe.
  vi.stubGlobal(
    'ResizeObserver',
    class {
      observe() {}
      unobserve() {}
      disconnect() {}
    },
  )
})
afterEach(() => unmount(shown))

test('a network of dense layers is drawn, with the numbers of its units', () => {
  const text = show([40], [DENSE])
  expect(isDrawn()).toBe(true)
  expect(text).toContain('24 softmax')
  expect(text).toContain('40 units')
  expect(document.querySelector('[role=status]')!.textContent).toContain('Training the first epoch')
})

test.each([
  ['a recurrent layer', [40], [{ type: 'gru', units: 8 }, DENSE]],
  ['a layer of another input', [40], [DENSE, { ...DENSE, input: ['input'] }]],
  ['steps of a sequence', [40, 2], [DENSE]],
  ['a layer without units', [40], [{ type: 'dropout', rate: 0.5 }, DENSE]],
])('%s is not drawn as connected units', (_, shape, layers) => {
  show(shape, layers)
  expect(isDrawn()).toBe(false)
  expect(document.querySelector('[role=status]')!.textContent).toContain('Training the first epoch')
})
