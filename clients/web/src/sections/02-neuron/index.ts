import type { SectionEntry } from '../entry'
import titles from '../titles'

export const neuron: SectionEntry = {
  slug: 'neuron',
  name: 'Neuron',
  ...titles.neuron,
  load: () => import('./Body.svelte'),
  head: () => import('./Head.svelte'),
}
