/** The figures of a run as elements of any page: `<epochal-curve job="job_…" key="ep_…">`. */
import { leaveAddress } from '../lib/state/url.svelte'
import { elementOf } from './element'
import Curve from './parts/Curve.svelte'

leaveAddress()

const ELEMENTS = {
  'epochal-curve': () => Curve,
  'epochal-run': async () => (await import('./parts/Run.svelte')).default,
  'epochal-map': async () => (await import('./parts/Map.svelte')).default,
  'epochal-confusion': async () => (await import('./parts/Confusion.svelte')).default,
  'epochal-network': async () => (await import('./parts/Network.svelte')).default,
  'epochal-attention': async () => (await import('./parts/Attention.svelte')).default,
  'epochal-text': async () => (await import('./parts/Text.svelte')).default,
}

for (const [name, load] of Object.entries(ELEMENTS))
  if (!customElements.get(name)) customElements.define(name, elementOf(load))
