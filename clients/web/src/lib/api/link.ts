/** A link with a key, `/jobs/job_1#key=ep_…`: its key is for this tab, and leaves the address. */
import { takeKey } from './key'

const key = /^#key=(ep_\w+)$/.exec(location.hash)?.[1]
if (key) {
  takeKey(key)
  history.replaceState(null, '', location.pathname + location.search)
}
