import type { SectionEntry } from '../entry'
import titles from '../titles'

export const forward: SectionEntry = {
  slug: 'forward',
  name: 'Forward pass',
  ...titles.forward,
  load: () => import('./Body.svelte'),
  head: () => import('./Head.svelte'),
}
