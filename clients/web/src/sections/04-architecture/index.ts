import type { SectionEntry } from '../entry'
import titles from '../titles'

export const architecture: SectionEntry = {
  slug: 'architecture',
  name: 'Architecture',
  ...titles.architecture,
  load: () => import('./Body.svelte'),
  head: () => import('./Head.svelte'),
}
