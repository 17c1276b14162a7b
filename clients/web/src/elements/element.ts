/** A custom element that shows one part of a run, in a shadow tree with the styles of this page. */
import { mount, unmount, type Component } from 'svelte'

import { repaint } from '../lib/state/theme.svelte'
import Frame from './Frame.svelte'
import { share, type Part } from './shared.svelte'
import { sheet } from './styles'

type Load = () => Component<Part> | Promise<Component<Part>>

const HOME = new URL(import.meta.url).origin

export function elementOf(load: Load): CustomElementConstructor {
  return class extends HTMLElement {
    static readonly observedAttributes = ['job', 'key', 'service']

    readonly #root = this.attachShadow({ mode: 'open' })
    #shown = ''
    #pending = false
    #leave = () => {}

    constructor() {
      super()
      this.#root.adoptedStyleSheets = [sheet]
      // The colors of the styles change with the `color-scheme` of the element; a canvas has to be painted again.
      this.#root.addEventListener('transitionend', ({ target }) => {
        if ((target as Element).matches('.frame')) repaint()
      })
    }

    connectedCallback(): void {
      this.#soon()
    }

    disconnectedCallback(): void {
      this.#soon()
    }

    attributeChangedCallback(): void {
      this.#soon()
    }

    /** After the script of the page: it may move the element, or change several attributes. */
    #soon(): void {
      if (this.#pending) return
      this.#pending = true
      queueMicrotask(() => {
        this.#pending = false
        this.#show()
      })
    }

    #show(): void {
      const [job, key, service] = ['job', 'key', 'service'].map((name) => this.getAttribute(name))
      const request = this.isConnected ? JSON.stringify([job, key, service]) : ''
      if (request === this.#shown) return
      this.#shown = request
      this.#leave()
      this.#leave = () => {}
      if (!request) return
      const shared = job ? share((service ?? HOME).replace(/\/$/, ''), key ?? null, job) : undefined
      const frame = mount(Frame, { target: this.#root, props: { shared, load } })
      this.#leave = () => {
        void unmount(frame)
        shared?.release()
      }
    }
  }
}
