/** Prepares a file of units: modules of its own, and what jsdom lacks of a browser. */
import { vi } from 'vitest'

vi.resetModules()
// No media query matches, and nothing changes its size.
if ('window' in globalThis) {
  window.matchMedia ??= () => Object.assign(new EventTarget(), { matches: false })
  globalThis.ResizeObserver ??= class {
    observe() {}
    unobserve() {}
    disconnect() {}
  }
}
