/** Helpers for the list of runs: state filters, ages, network shapes and links. */
import type { Schemas } from '@epochal/client'
import { walk, type State } from '../job/texts'

export type Job = Schemas['Job']

export const STATES = {
  all: [],
  active: ['waiting', 'queued', 'running', 'pausing', 'paused', 'cancelling'],
  succeeded: ['succeeded'],
  failed: ['failed'],
  cancelled: ['cancelled'],
} as const satisfies Record<string, readonly State[]>
export type Filter = keyof typeof STATES

export const MOST_COMPARED = 10

/** Whether the text compares something, and is not only searched for. */
export function isFilter(text: string): boolean {
  return /[<>]|\s!?=\s/.test(text)
}

/** The ids from one run to another in the order of the list, both included. */
export function between(jobs: readonly Pick<Job, 'id'>[], first: string, last: string): string[] {
  const ids = jobs.map((job) => job.id)
  const ends = [ids.indexOf(first), ids.indexOf(last)].sort((a, b) => a - b)
  return ends[0]! < 0 ? [last] : ids.slice(ends[0], ends[1]! + 1)
}

/** `just now`, `5 min ago`, `yesterday`, `12 Mar`. */
export function age(since: string | null, now: number): string {
  if (!since) return ''
  const then = new Date(since)
  const minutes = Math.floor((now - then.getTime()) / 60_000)
  if (minutes < 1) return 'just now'
  if (minutes < 60) return `${minutes} min ago`
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h ago`
  if (minutes < 48 * 60) return 'yesterday'
  return then.toLocaleDateString('en-GB', {
    day: 'numeric',
    month: 'short',
    ...(minutes > 300 * 1440 ? { year: 'numeric' } : {}),
  })
}

/** Local time, e.g. `12 Mar, 14:05:09`. */
export function clock(since: string | null): string {
  return since
    ? new Date(since).toLocaleString('en-GB', {
        day: 'numeric',
        month: 'short',
        hour: '2-digit',
        minute: '2-digit',
        second: '2-digit',
      })
    : ''
}

/** `2 → 8 tanh ×2 → 1 sigmoid`; only the first and last layers of a deep network. */
export function shape(spec: Schemas['TrainingSpec']): string {
  const all = walk(spec).map(({ size, note, times }) =>
    [size, note === 'linear' ? '' : note.replaceAll('_', ' '), times > 1 ? `×${times}` : '']
      .filter(Boolean)
      .join(' '),
  )
  const shown = all.length > 6 ? [...all.slice(0, 3), '…', all.at(-1)!] : all
  return shown.join(' → ')
}

export const labelText = (name: string, value: unknown): string =>
  value === '' || value === null ? name : `${name}=${String(value)}`

export function link(jobs: readonly string[]): string {
  return `/jobs/compare?${jobs.map((id) => `job=${encodeURIComponent(id)}`).join('&')}`
}
