import type { SectionEntry } from '../entry'
import titles from '../titles'

export const timeline: SectionEntry = {
  slug: 'timeline',
  name: 'Timeline',
  ...titles.timeline,
  load: () => import('./Body.svelte'),
  head: () => import('./Head.svelte'),
}
