/** Single keys that do something on the open page. The user can turn them off. */
import { SvelteMap } from 'svelte/reactivity'

const OFF = 'epochal-shortcuts-off'
const TYPED =
  'textarea, select, [contenteditable], input:not([type=radio], [type=checkbox], [type=range])'

interface Shortcut {
  /** What it does, in two or three words. */
  readonly text: string
  readonly act: (() => void) | undefined
}

const offered = new SvelteMap<string, Shortcut>()
let on = $state(localStorage.getItem(OFF) === null)

export const shortcuts = {
  /** The keys that the page offers now. */
  get list(): readonly { key: string; text: string }[] {
    return [...offered].map(([key, { text }]) => ({ key, text }))
  },
  /** Whether the keys do something. The one that lists them always does. */
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
  offered.set(key, { text, act })
  return () => {
    if (offered.get(key)?.act === act) offered.delete(key)
  }
}

/** Do what a key offers. */
export function use(key: string): void {
  offered.get(key)?.act?.()
}

/** Do what the key offers, unless it is typed into a field or meant for a dialog or the browser. */
export function press(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.metaKey || event.ctrlKey || event.altKey) return
  if ((event.target as Element).closest(`${TYPED}, dialog`)) return
  const shortcut = offered.get(event.key)
  if (!shortcut?.act || !(on || event.key === '?')) return
  event.preventDefault()
  shortcut.act()
}
