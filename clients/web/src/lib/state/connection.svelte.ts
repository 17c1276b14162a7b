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

async function ask(): Promise<void> {
  try {
    if ((await fetch('/healthz')).ok) restored()
  } catch {
    // Still not answering; the next poll tries again.
  }
}

function lost(): void {
  up = false
  asking ??= setInterval(() => void ask(), EVERY)
}

listen({ answered: restored, silent: lost })

export const connection = {
  get up(): boolean {
    return up
  },
}
