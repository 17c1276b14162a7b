/** What the API key of this browser may do, so that the page offers nothing that is refused. */
import { api } from '../api/client'
import type { Schemas } from '../api'
import { savedKey } from '../api/key'

type Caller = Pick<Schemas['Usage'], 'owner' | 'scope'>

let known = $state.raw<Caller>()
let requested = false

async function load(): Promise<void> {
  requested = true
  try {
    known = (await api.GET('/v1/usage', {})).data
  } catch {
    // The service refuses what the key may not do, and says why.
  }
}

/** Why the key may not change what belongs to `owner`, or create; undefined if it may.
 *
 * Without a key, and until the service has answered, it may.
 */
export function denial(owner?: string): string | undefined {
  if (!savedKey()) return undefined
  if (!requested) void load()
  if (!known) return undefined
  if (known.scope === 'read') return 'This API key may only read.'
  if (owner !== undefined && owner !== known.owner)
    return `Only ${owner} may change this: the API key belongs to ${known.owner}, which may read it.`
  return undefined
}
