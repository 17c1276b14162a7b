import type { SectionEntry } from '../entry'

export const zoo: SectionEntry = {
  slug: 'zoo',
  name: 'Zoo',
  title: 'Shapes for different worlds',
  intro:
    'Images have neighbors, sentences have an order, and a word may refer to one a page ' +
    'ago. Networks are built to the shape of their data, and each shape has its price.',
  load: () => import('./Body.svelte'),
}
