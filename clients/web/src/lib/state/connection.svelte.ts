/** Whether the service answers: updated by every request, and polled while it does not. */
import { listen } from '../api/client'

const EVERY = 2000

let up = $state(true)
let asking: ReturnType<typeof setInterval> | undefined

function restored(): void {
  up = true
  clearInterval(asking)
  asking = undefined
}

async function answers(url: string): Promise<boolean> {
  try {
    // Without a key, a page of another origin sees only that there is a reply.
    const { ok, type } = await fetch(`${url}/healthz`, { mode: 'no-cors' })
    return ok || type === 'opaque'
  } catch {
    return false
  }
}

async function ask(url: string): Promise<void> {
  if (await answers(url)) restored()
}

function lost(url: string): void {
  up = false
  asking ??= setInterval(() => void ask(url), EVERY)
}

listen({ answered: restored, silent: lost })

export const connection = {
  get up(): boolean {
    return up
  },
  /** Ask the service now, e.g. because a file of the page did not load. */
  async check(): Promise<void> {
    const url = location.origin
    if (await answers(url)) restored()
    else lost(url)
  },
}
