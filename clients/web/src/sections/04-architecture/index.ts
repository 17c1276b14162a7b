import type { SectionEntry } from '../entry'

export const architecture: SectionEntry = {
  slug: 'architecture',
  name: 'Architecture',
  title: 'Layers, and what they cost',
  intro:
    'A network is described by the sizes of its layers and what connects them. From that ' +
    'alone follows how many numbers it has to learn, how much memory they take, and how ' +
    'long an answer needs.',
  load: () => import('./Body.svelte'),
}
