import { afterEach, expect, test, vi } from 'vitest'

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

afterEach(() => vi.clearAllMocks())

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

test('the end of the watch ends the observer', () => {
  watch().end()
  expect(disconnect).toHaveBeenCalledOnce()
})
