import type { SectionEntry } from '../entry'

export const loss: SectionEntry = {
  slug: 'loss',
  name: 'Loss',
  title: 'How wrong, in one number',
  intro:
    'To get better, a network has to know how bad it is. A loss turns prediction and ' +
    'truth into one number. Its slope says which way is better, and how urgently.',
  load: () => import('./Body.svelte'),
}
