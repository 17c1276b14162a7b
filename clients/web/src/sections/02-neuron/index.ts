import type { SectionEntry } from '../entry'

export const neuron: SectionEntry = {
  slug: 'neuron',
  name: 'Neuron',
  title: 'One neuron',
  intro:
    'The smallest network has one unit. It multiplies each input by a weight, adds the ' +
    'products and a bias, and decides. Frank Rosenblatt had a machine do this in 1958; ' +
    'every network since is made of its descendants.',
  load: () => import('./Body.svelte'),
}
