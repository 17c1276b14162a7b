/** Single keys that do something on the open page. The user can turn them off. */
import { SvelteSet } from 'svelte/reactivity'

const OFF = 'epochal-shortcuts-off'
const TYPED =
  'textarea, select, [contenteditable], input:not([type=radio], [type=checkbox], [type=range])'

const ACTIVATED = 'a, button, input, summary, [tabindex="0"]'

interface Shortcut {
  readonly key: string
  /** Its action, in two or three words. */
  readonly text: string
  readonly act: (() => void) | undefined
}

const offered = new SvelteSet<Shortcut>()
let on = $state(localStorage.getItem(OFF) === null)

export const shortcuts = {
  /** The keys that the page offers now. */
  get list(): readonly Shortcut[] {
    // Several controls may offer the same.
    return [...new Map([...offered].map((shortcut) => [shortcut.key, shortcut])).values()]
  },
  /** Whether the keys do something. The key that lists them always does. */
  get on(): boolean {
    return on
  },
  set on(next: boolean) {
    on = next
    if (next) localStorage.removeItem(OFF)
    else localStorage.setItem(OFF, 'yes')
  },
}

/** Offer a key; return the function that takes it back. Without `act`, it is listed only. */
export function offer(key: string, text: string, act?: () => void): () => void {
  const shortcut = { key, text, act }
  offered.add(shortcut)
  return () => offered.delete(shortcut)
}

function find(key: string): Shortcut | undefined {
  return [...offered].find((shortcut) => shortcut.key === key)
}

/** Do what a key offers. */
export function use(key: string): void {
  find(key)?.act?.()
}

/** Do what the key offers, unless it is typed into a field or meant for a dialog or the browser. */
export function press(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.metaKey || event.ctrlKey || event.altKey) return
  if ((event.target as Element).closest(`${TYPED}, dialog`)) return
  // Space is for the control with the focus.
  if (event.key === ' ' && (event.target as Element).closest(ACTIVATED)) return
  const shortcut = find(event.key)
  if (!shortcut?.act || !(on || event.key === '?')) return
  event.preventDefault()
  shortcut.act()
}
