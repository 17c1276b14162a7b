/** The runs that the elements of this page show. Elements of one run share its stream and its epoch. */
import { Look } from '../job/look.svelte'
import { Run } from '../job/run.svelte'
import { serviceAt, type Schemas } from '../lib/api'
import { Address } from '../lib/state/url.svelte'

/** The properties of a part of a run. */
export interface Part {
  run: Run
  look: Look
  job: Schemas['Job']
  /** The address of the run on the page of the service. */
  link: string
  /** The heading of a whole run. */
  heading?: 'h1' | 'h2'
}

export interface Shared {
  run: Run
  look: Look
  address: Address
  link: string
  release(): void
}

const runs = new Map<string, Omit<Shared, 'release'> & { users: number; stop(): void }>()

/** The run, which is followed until each user has released it. */
export function share(url: string, key: string | null, id: string): Shared {
  const name = JSON.stringify([url, key, id])
  const known = runs.get(name) ?? follow(url, key, id)
  runs.set(name, known)
  known.users += 1
  return {
    ...known,
    release() {
      known.users -= 1
      if (known.users) return
      runs.delete(name)
      known.stop()
    },
  }
}

function follow(url: string, key: string | null, id: string) {
  const run = new Run(
    id,
    'too',
    serviceAt(url, () => key),
  )
  const address = new Address()
  const look = new Look(run, address)
  const link = `${url}/jobs/${id}${key ? `#key=${key}` : ''}`
  return { run, look, address, link, users: 0, stop: run.follow() }
}
