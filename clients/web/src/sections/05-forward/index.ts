import type { SectionEntry } from '../entry'

export const forward: SectionEntry = {
  slug: 'forward',
  name: 'Forward pass',
  title: 'From inputs to an answer',
  intro:
    'An answer is nothing but arithmetic, layer after layer: multiply, add, bend. Here ' +
    'you can follow every single number through a network that is small enough to be ' +
    'looked at whole.',
  load: () => import('./Body.svelte'),
}
