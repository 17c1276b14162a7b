/** The sections of the journey: a folder for each, `NN-slug`, in their order. */
import type { Component } from 'svelte'

import titles from './titles'

/** Short names in the top bar. */
const NAMES: Record<keyof typeof titles, string> = {
  network: 'Network',
  neuron: 'Neuron',
  activations: 'Activations',
  architecture: 'Architecture',
  forward: 'Forward pass',
  loss: 'Loss',
  backpropagation: 'Backpropagation',
  training: 'Training',
  zoo: 'Zoo',
  timeline: 'Timeline',
  language: 'Language',
}

interface Loaded {
  default: Component
}
const bodies = import.meta.glob<Loaded>('./*/Body.svelte')
const heads = import.meta.glob<Loaded>('./*/Head.svelte')

/** What the page knows of a section before it loads the text and figures (`load`), and the picture (`head`). */
export const sections = Object.entries(bodies).map(([path, load]) => {
  const folder = path.split('/')[1]!
  // The id of the section in `GET /course/v1/sections` and its address on the page, e.g. `/#neuron`.
  const slug = folder.slice('NN-'.length) as keyof typeof titles
  return {
    slug,
    name: NAMES[slug],
    ...titles[slug],
    load,
    head: heads[`./${folder}/Head.svelte`]!,
  }
})

export type SectionEntry = (typeof sections)[number]
