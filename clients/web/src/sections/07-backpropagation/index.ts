import type { SectionEntry } from '../entry'
import titles from '../titles'

export const backpropagation: SectionEntry = {
  slug: 'backpropagation',
  name: 'Backpropagation',
  ...titles.backpropagation,
  load: () => import('./Body.svelte'),
  head: () => import('./Head.svelte'),
}
