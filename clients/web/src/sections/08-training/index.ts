import type { SectionEntry } from '../entry'
import titles from '../titles'

export const training: SectionEntry = {
  slug: 'training',
  name: 'Training',
  ...titles.training,
  load: () => import('./Body.svelte'),
  head: () => import('./Head.svelte'),
}
