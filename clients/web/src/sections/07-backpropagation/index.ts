import type { SectionEntry } from '../entry'

export const backpropagation: SectionEntry = {
  slug: 'backpropagation',
  name: 'Backpropagation',
  title: 'Who is to blame',
  intro:
    'The error is known at the end, but every weight along the way had a part in it. The ' +
    'chain rule hands the blame back, layer by layer, at the price of one more pass. In a ' +
    'deep network it may fade on its way, or grow out of hand.',
  load: () => import('./Body.svelte'),
}
