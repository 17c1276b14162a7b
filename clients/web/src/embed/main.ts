import '../styles/base.css'
import '../styles/utilities.css'

import { mount } from 'svelte'

import Frame from '../elements/Frame.svelte'
import Run from '../elements/parts/Run.svelte'
import { share } from '../elements/shared.svelte'
import { leaveAddress } from '../lib/state/url.svelte'

// The address is `/embed/jobs/ID#key=…`. Browsers do not send the part with the key.
const id = location.pathname.split('/').at(-1)!
const key = /^#key=(ep_\w+)$/.exec(location.hash)?.[1] ?? null
leaveAddress()
mount(Frame, {
  target: document.getElementById('app')!,
  props: { shared: share(location.origin, key, id), load: () => Run, heading: 'h1' },
})
