/** Prepares a file of units: its own modules, and parts of a browser that jsdom lacks. */
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
