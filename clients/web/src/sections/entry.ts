import type { Component } from 'svelte'

/** What is known of a section before it is loaded. */
export interface SectionEntry {
  /** Its address on the page: `/#neuron`. */
  slug: string
  /** In the bar. */
  name: string
  title: string
  intro: string
  /** Its body: words and figures. */
  load?: () => Promise<{ default: Component }>
}
