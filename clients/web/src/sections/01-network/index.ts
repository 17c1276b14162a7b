import type { SectionEntry } from '../entry'

export const network: SectionEntry = {
  slug: 'network',
  name: 'Network',
  title: 'A function with a great many knobs',
  intro:
    'Give it numbers and it gives numbers back. Inside are thousands of small, equal ' +
    'parts, each of which adds up what it hears, weighed, and passes one number on. What ' +
    'the whole thing does is decided by its weights, and learning means turning them ' +
    'until the answers are right.',
  load: () => import('./Body.svelte'),
}
