import '../styles/base.css'
import '../styles/utilities.css'

import { mount } from 'svelte'

import { useOnly } from '../lib/api/key'
import { leaveAddress } from '../lib/state/url.svelte'
import Embed from './Embed.svelte'

// The address is `/embed/jobs/ID#key=…`. Browsers do not send the part with the key.
const id = location.pathname.split('/').at(-1)!
useOnly(/^#key=(ep_\w+)$/.exec(location.hash)?.[1] ?? null)
leaveAddress()
mount(Embed, { target: document.getElementById('app')!, props: { id } })
