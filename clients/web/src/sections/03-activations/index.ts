import type { SectionEntry } from '../entry'

export const activations: SectionEntry = {
  slug: 'activations',
  name: 'Activations',
  title: 'The bend that makes depth worth having',
  intro:
    'Two layers that only multiply and add are one layer in disguise. A small curve ' +
    'between them changes that. Which curve it is decides how well a deep network can be ' +
    'taught.',
  load: () => import('./Body.svelte'),
}
