import { afterAll, afterEach, expect, test, vi } from 'vitest'

import { watchSight } from './sight'

type Changes = Pick<IntersectionObserverEntry, 'isIntersecting'>[]

let deliver: (changes: Changes) => void
const disconnect = vi.fn()

/** The browser's part, which a test plays itself: it decides what is handed over together. */
class Observer {
  constructor(callback: (changes: Changes) => void) {
    deliver = callback
  }
  observe = vi.fn()
  disconnect = disconnect
}
vi.stubGlobal('IntersectionObserver', Observer)
const printer = new EventTarget()
for (const name of ['addEventListener', 'removeEventListener'] as const)
  vi.stubGlobal(name, printer[name].bind(printer))

afterEach(() => vi.clearAllMocks())
afterAll(() => vi.unstubAllGlobals())

const watch = () => {
  const seen: boolean[] = []
  const end = watchSight({} as Element, '25% 0px', (near) => seen.push(near))
  return { seen, end }
}

test('of changes that come together, the last one counts', () => {
  const { seen } = watch()
  deliver([{ isIntersecting: false }, { isIntersecting: true }])
  expect(seen).toEqual([true])
  deliver([{ isIntersecting: true }, { isIntersecting: false }])
  expect(seen).toEqual([true, false])
})

test('what is printed is near', () => {
  const { seen } = watch()
  printer.dispatchEvent(new Event('beforeprint'))
  expect(seen).toEqual([true])
})

test('the end of the watch ends the observer', () => {
  const { seen, end } = watch()
  end()
  printer.dispatchEvent(new Event('beforeprint'))
  expect(disconnect).toHaveBeenCalledOnce()
  expect(seen).toEqual([])
})
