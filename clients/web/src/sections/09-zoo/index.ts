import type { SectionEntry } from '../entry'
import titles from '../titles'

export const zoo: SectionEntry = {
  slug: 'zoo',
  name: 'Zoo',
  ...titles.zoo,
  load: () => import('./Body.svelte'),
  head: () => import('./Head.svelte'),
}
