import type { SectionEntry } from '../entry'

export const training: SectionEntry = {
  slug: 'training',
  name: 'Training',
  title: 'The loop',
  intro:
    'Forward, loss, backward, update: four steps that are repeated until nothing gets ' +
    'better. The length of each step, the learning rate, makes the difference between a ' +
    'network that learns, one that sleeps, and one that flies apart.',
  load: () => import('./Body.svelte'),
}
