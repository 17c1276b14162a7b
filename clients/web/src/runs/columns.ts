/** The columns of a table of runs: any setting or result, by its path as in a filter. */
import { fixed, format, toNumber, type WireNumber } from '../lib/api/numbers'
import { placeName, sayValue } from '../job/compare'
import { duration, metricName } from '../job/texts'
import { age, type Job } from './list'

export interface Field {
  path: string
  name: string
  group: 'Results' | 'Settings that differ' | 'Labels' | 'Equal settings'
  numeric: boolean
}

export type Value = string | number | boolean | null

export const COLUMNS: readonly string[] = [
  'state',
  'spec.optimizer.type',
  'spec.optimizer.learning_rate',
  'epoch',
  'latest.train_loss',
  'best.value',
  'seconds',
  'created_at',
]
const FIRST: readonly string[] = ['best.value', 'state', 'epoch', 'seconds', 'parameters']
const LAST: readonly string[] = ['samples', 'created_at', 'finished_at', 'stop_reason', 'owner']
const NAMES: Readonly<Record<string, string>> = {
  'best.value': 'best value',
  'best.metric': 'metric of the best',
  'best.epoch': 'best epoch',
  seconds: 'time',
  'latest.seconds': 'time of an epoch',
  'latest.learning_rate': 'last learning rate',
  created_at: 'created',
  finished_at: 'ended',
  'experiment.id': 'experiment',
  'spec.initial_weights.job': 'fork of',
  'spec.dataset.name': 'data',
  'spec.optimizer.type': 'optimizer',
}

/** Readable name of a field: `spec.optimizer.learning_rate` becomes `learning rate`. */
export function fieldName(path: string): string {
  const known = NAMES[path]
  if (known) return known
  if (path.startsWith('labels.')) return path.slice('labels.'.length)
  const parts = path.split('.')
  if (parts[0] === 'latest') return metricName(parts[1] ?? '')
  // A last name such as `type` says little.
  const short = parts.length > 2 && /^(type|name|value|id|job|epoch|samples)$/.test(parts.at(-1)!)
  return placeName(parts.slice(short ? -2 : -1).join(' '))
}

function number(value: unknown): Value {
  return /^(NaN|-?Infinity)$/.test(String(value)) ? toNumber(value as WireNumber) : (value as Value)
}

/** The value of a field of a run; null where it has none. */
export function valueAt(job: Job, path: string): Value {
  if (path === 'name') return job.spec.name ?? null
  if (path === 'seconds')
    return job.started_at && job.finished_at
      ? (Date.parse(job.finished_at) - Date.parse(job.started_at)) / 1000
      : null
  if (path.startsWith('labels.')) return job.spec.labels?.[path.slice('labels.'.length)] ?? null
  let value: unknown = job
  for (const part of path.split('.')) value = (value as Record<string, unknown> | null)?.[part]
  return value === undefined || typeof value === 'object' ? null : number(value)
}

/** The paths of the numbers, texts and truth values of an object; lists have none. */
function* paths(value: object, prefix: string): Generator<string> {
  for (const [name, part] of Object.entries(value) as [string, unknown][]) {
    if (part === null || Array.isArray(part) || part === undefined) continue
    if (typeof part === 'object') yield* paths(part, `${prefix}${name}.`)
    else yield prefix + name
  }
}

/** All fields that a column can have, of these runs: results, then settings that differ. */
export function fieldsOf(jobs: readonly Job[]): Field[] {
  const results = new Set<string>(FIRST)
  const settings = new Set<string>()
  const labels = new Set<string>()
  for (const { spec, latest, best } of jobs) {
    for (const path of paths(latest ?? {}, 'latest.')) results.add(path)
    for (const path of paths(best ?? {}, 'best.')) results.add(path)
    for (const path of paths({ ...spec, labels: null, name: null }, 'spec.')) settings.add(path)
    for (const key of Object.keys(spec.labels ?? {})) labels.add(`labels.${key}`)
  }
  for (const path of LAST) results.add(path)
  for (const path of ['latest.epoch', 'best.is_restored']) results.delete(path)
  const field = (group: Field['group']) => (path: string) => ({
    path,
    name: fieldName(path),
    group,
    numeric: jobs.some((job) => typeof valueAt(job, path) === 'number'),
  })
  const differs = (path: string) => new Set(jobs.map((job) => valueAt(job, path))).size > 1
  const [unequal, equal] = [true, false].map((so) =>
    [...settings].filter((path) => differs(path) === so),
  )
  return [
    ...[...results].map(field('Results')),
    ...unequal!.map(field('Settings that differ')),
    ...[...labels].map(field('Labels')),
    ...equal!.map(field('Equal settings')),
  ]
}

export function shownValue(path: string, value: Value, now: number): string {
  if (value === null || value === '') return '–'
  if (path.endsWith('_at')) return age(String(value), now)
  if (typeof value !== 'number') return sayValue(value)
  if (path === 'seconds') return duration(value)
  if (/accuracy|exact_match/.test(path)) return `${fixed(100 * value, 1)} %`
  return format(value)
}

/** The next order when a heading is pressed: rising, falling, newest first. */
export function turned(order: string, path: string): string {
  return order === path ? `${path} desc` : order === `${path} desc` ? '' : path
}

/** The runs in their order, with a group wherever the value of the field changes. */
export function grouped(jobs: readonly Job[], path: string): { value: Value; jobs: Job[] }[] {
  const groups: { value: Value; jobs: Job[] }[] = []
  for (const job of jobs) {
    const value = path ? valueAt(job, path) : null
    const last = groups.at(-1)
    if (last && last.value === value) last.jobs.push(job)
    else groups.push({ value, jobs: [job] })
  }
  return groups
}

/** Whether numbers are better read by their powers of ten: all above 0, and over a wide range. */
export function isWide(values: readonly number[]): boolean {
  const low = Math.min(...values)
  return values.length > 1 && low > 0 && Math.max(...values) / low >= 50
}
