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

async function answers(): Promise<boolean> {
  try {
    return (await fetch('/healthz')).ok
  } catch {
    return false
  }
}

async function ask(): Promise<void> {
  if (await answers()) restored()
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
  /** Ask the service now, e.g. because a file of the page did not load. */
  async check(): Promise<void> {
    if (await answers()) restored()
    else lost()
  },
}
