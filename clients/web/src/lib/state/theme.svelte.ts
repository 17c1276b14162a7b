/** Light or dark theme: that of the system until the user chooses one. */
import { MediaQuery } from 'svelte/reactivity'

export type Theme = 'auto' | 'light' | 'dark'
const KEY = 'epochal.theme'
const system = new MediaQuery('(prefers-color-scheme: dark)')

let choice = $state<Theme>((localStorage.getItem(KEY) as Theme | null) ?? 'auto')

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
    return choice === 'auto' ? system.current : choice === 'dark'
  },
}

const still = new MediaQuery('(prefers-reduced-motion: reduce)')

export const motion = {
  /** Whether the user prefers reduced motion. */
  get reduced(): boolean {
    return still.current
  },
}
