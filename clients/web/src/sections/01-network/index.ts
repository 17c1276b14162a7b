import type { SectionEntry } from '../entry'
import titles from '../titles'

export const network: SectionEntry = {
  slug: 'network',
  name: 'Network',
  ...titles.network,
  load: () => import('./Body.svelte'),
  head: () => import('./Head.svelte'),
}
