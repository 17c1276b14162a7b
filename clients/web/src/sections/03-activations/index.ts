import type { SectionEntry } from '../entry'
import titles from '../titles'

export const activations: SectionEntry = {
  slug: 'activations',
  name: 'Activations',
  ...titles.activations,
  load: () => import('./Body.svelte'),
  head: () => import('./Head.svelte'),
}
