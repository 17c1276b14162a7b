import type { SectionEntry } from '../entry'
import titles from '../titles'

export const language: SectionEntry = {
  slug: 'language',
  name: 'Language',
  ...titles.language,
  load: () => import('./Body.svelte'),
  head: () => import('./Head.svelte'),
}
