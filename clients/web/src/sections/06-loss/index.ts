import type { SectionEntry } from '../entry'
import titles from '../titles'

export const loss: SectionEntry = {
  slug: 'loss',
  name: 'Loss',
  ...titles.loss,
  load: () => import('./Body.svelte'),
  head: () => import('./Head.svelte'),
}
