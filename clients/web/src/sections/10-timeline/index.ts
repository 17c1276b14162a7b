import type { SectionEntry } from '../entry'

export const timeline: SectionEntry = {
  slug: 'timeline',
  name: 'Timeline',
  title: 'Almost seventy years',
  intro:
    'From one unit that learned to tell left from right to models that write programs. ' +
    'Few of the ideas on the way were new when they won; they had waited for data, for ' +
    'machines, or for somebody to see what they were for.',
  load: () => import('./Body.svelte'),
}
