/** Whether the service answers: told by every request, and asked for while it does not. */
import { listen } from '../api/client'

const EVERY = 2000

let up = $state(true)
let asking: ReturnType<typeof setInterval> | undefined

function found(): void {
  up = true
  clearInterval(asking)
  asking = undefined
}

async function ask(): Promise<void> {
  try {
    if ((await fetch('/healthz')).ok) found()
  } catch {
    // Still away: the next one asks again.
  }
}

function lost(): void {
  up = false
  asking ??= setInterval(() => void ask(), EVERY)
}

listen({ answered: found, silent: lost })

export const connection = {
  get up(): boolean {
    return up
  },
}
