/** Light or dark theme: the system's until the user chooses one. */
export type Theme = 'auto' | 'light' | 'dark'
const KEY = 'epochal.theme'

/**
 * Whether the query matches. Chromium reports no change if somebody reads `matches` between the
 * change and its report, as Svelte's own `MediaQuery` does: it is read once.
 */
function media(query: string): { readonly current: boolean } {
  const list = matchMedia(query)
  let matches = $state(list.matches)
  list.addEventListener('change', (event) => (matches = event.matches))
  return {
    get current() {
      return matches
    },
  }
}

const system = media('(prefers-color-scheme: dark)')

/** A page in a sandbox may not read the storage. */
function chosen(): Theme {
  try {
    return (localStorage.getItem(KEY) as Theme | null) ?? 'auto'
  } catch {
    return 'auto'
  }
}

let choice = $state<Theme>(chosen())

let repaints = $state(0)

/** Paint the canvases again: the colors of an element within another page have changed. */
export function repaint(): void {
  repaints += 1
}

export const theme = {
  get choice(): Theme {
    return choice
  },
  set choice(next: Theme) {
    choice = next
    localStorage.setItem(KEY, next)
    document.documentElement.dataset.theme = next
  },
  get dark(): boolean {
    void repaints
    return choice === 'auto' ? system.current : choice === 'dark'
  },
}

const still = media('(prefers-reduced-motion: reduce)')

export const motion = {
  /** Whether the user prefers reduced motion. */
  get reduced(): boolean {
    return still.current
  },
}
