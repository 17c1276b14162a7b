import type { Component } from 'svelte'

/** Data about a section that the page has before it loads the section's body. */
export interface SectionEntry {
  /** Id of the section in `GET /v1/sections` and its address on the page, e.g. `/#neuron`. */
  slug: string
  /** Short name in the top bar. */
  name: string
  title: string
  lead: string
  /** Loads the body: text and figures. */
  load: () => Promise<{ default: Component }>
  /** Loads the small picture beside the title. */
  head: () => Promise<{ default: Component }>
}
