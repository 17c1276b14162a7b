/** Comparison of runs: epoch offsets, unique names, and readable differences. */
import { format } from '../lib/api/numbers'

export interface Relative {
  id: string | null
  name?: string | null
  forked_from?: { job: string; epoch: number } | null
}

/**
 * Offset of each run in epochs. A fork starts at its fork epoch if its parent is among the runs, or
 * another fork of the same parent.
 */
export function offsets(runs: readonly Relative[]): Map<string, number> {
  const known = new Map(runs.map((run) => [run.id ?? '', run]))
  const lines = new Map<string, number>()
  for (const { forked_from } of runs)
    if (forked_from) lines.set(forked_from.job, (lines.get(forked_from.job) ?? 0) + 1)
  const differences = new Map<string, number>()
  const of = (id: string): number => {
    const before = differences.get(id)
    if (before !== undefined) return before
    differences.set(id, 0)
    const from = known.get(id)?.forked_from
    const related = from && (known.has(from.job) || (lines.get(from.job) ?? 0) > 1)
    const offset = related ? from.epoch + (known.has(from.job) ? of(from.job) : 0) : 0
    differences.set(id, offset)
    return offset
  }
  for (const id of known.keys()) of(id)
  return differences
}

/** Unique names; equal names get the end of the id. `from` is the run that a rerun repeats. */
export function titles(runs: readonly Relative[], from?: unknown): string[] {
  const names = runs.map(
    (run) => (run.name ?? 'another run') + (run.id && run.id === from ? ', before' : ''),
  )
  return names.map((name, i) =>
    names.filter((other) => other === name).length > 1
      ? `${name} (${(runs[i]!.id ?? '').slice(-4)})`
      : name,
  )
}

/**
 * Seconds of training until the end of an epoch, from evenly spaced epochs and their seconds. Between
 * two of them each epoch takes as long as the later one.
 */
export function elapsed(
  epochs: readonly number[],
  seconds: readonly number[],
): (epoch: number) => number {
  const sums = [0]
  for (const [i, epoch] of epochs.entries())
    sums.push(sums[i]! + (epoch - (epochs[i - 1] ?? 0)) * (seconds[i] ?? NaN))
  return (epoch) => {
    const next = epochs.findIndex((other) => other >= epoch)
    const i = next < 0 ? epochs.length - 1 : next
    return sums[i]! + (epoch - (epochs[i - 1] ?? 0)) * (seconds[i] ?? NaN)
  }
}

/** An exponential moving average without a bias towards its start; gaps stay. */
export function smoothed(values: readonly number[], weight: number): number[] {
  let [sum, total] = [0, 0]
  return values.map((value) => {
    if (!Number.isFinite(value)) return value
    sum = weight * sum + (1 - weight) * value
    total = weight * total + (1 - weight)
    return sum / total
  })
}

const MOST_NAMED = 2

/**
 * A name for each run of a comparison without one: its data and the differing settings, `two moons, learning
 * rate 0.03`. The end of the id if nothing does.
 */
export function describedNames(
  runs: readonly Relative[],
  differences: readonly { path: string; values: readonly string[] }[],
): string[] {
  const fields = differences.filter(
    ({ path, values }) =>
      path !== 'name' && !path.startsWith('labels') && !values.some((json) => /^[[{]/.test(json)),
  )
  const chosen = fields
    .sort((a, b) => Number(b.path === 'dataset.name') - Number(a.path === 'dataset.name'))
    .slice(0, MOST_NAMED)
  return runs.map((run, i) => {
    const parts = chosen.map(({ path, values }) => {
      const value = valueName(values[i] ?? '')
      return path === 'dataset.name' ? value : `${placeName(path).split(', ').at(-1)} ${value}`
    })
    return run.name ?? (parts.join(', ') || `run ${(run.id ?? '').slice(-4)}`)
  })
}

export function ids(text: string): string[] {
  return text.split(',').filter(Boolean).slice(0, 9)
}

/** Readable path of a spec field: `network.layers[0].units` becomes `layer 1, units`. */
export function placeName(path: string): string {
  return path
    .replace(/(^|: )network\./, '$1')
    .replace(/\blayers\[([^\]]*)\]/, (_, indices: string) => {
      const counted = indices.replace(/\d+/g, (index) => String(Number(index) + 1))
      return `layer${/\D/.test(counted) ? 's' : ''} ${counted}`
    })

    .replaceAll('.', ', ')
    .replaceAll('_', ' ')
}

/** Readable value of a spec field, from JSON. */
export function valueName(json: string): string {
  if (json === '' || json === 'null') return '–'
  if (json === '""') return 'yes'
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch {
    return json
  }
  return sayValue(value)
}

export function sayValue(value: unknown): string {
  if (typeof value === 'number') return format(value)
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  if (typeof value === 'string') return value.replaceAll('_', ' ')
  if (value === null || value === undefined) return 'none'
  const text = Array.isArray(value)
    ? value.map(sayValue).join(', ')
    : Object.entries(value)
        .map(([name, part]) => `${name.replaceAll('_', ' ')} ${sayValue(part)}`)
        .join(', ')
  return text.length > 60 ? `${text.slice(0, 59)}…` : text
}
