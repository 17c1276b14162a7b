/** Light or dark: as the system has it, until somebody chooses. */
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
  /** Whether somebody asked for less of it. */
  get reduced(): boolean {
    return still.current
  },
}
