/** The merge patch of a finding: apply it to a spec, and list its changes. */
import { sayValue } from './compare'

type Json = unknown
type Document = Record<string, Json>

const isDocument = (value: Json): value is Document =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** RFC 7396: null removes, an object recurses, and any other value replaces. */
export function mergePatch(target: Json, patch: Json): Json {
  if (!isDocument(patch)) return patch
  const result: Document = isDocument(target) ? { ...target } : {}
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name]
    else result[name] = mergePatch(result[name], value)
  }
  return result
}

export interface Change {
  path: string
  before: string
  after: string
}

/** All fields that `patch` changes in `target`; missing and null are equal. */
export function changes(target: Json, patch: Json, path = ''): Change[] {
  if (isDocument(patch)) {
    const from = isDocument(target) ? target : {}
    return Object.entries(patch).flatMap(([name, value]) =>
      changes(from[name], value, path ? `${path}.${name}` : name),
    )
  }
  if (Array.isArray(patch) && Array.isArray(target) && patch.length === target.length) {
    return patch.flatMap((value, i) => changes(target[i], value, `${path}[${i}]`))
  }
  if ((target ?? null) === (patch ?? null) || JSON.stringify(target) === JSON.stringify(patch))
    return []
  return [{ path, before: sayValue(target), after: sayValue(patch) }]
}

/** Merge equal changes of several layers into one line: `network.layers[0–9].activation`. */
export function gathered(all: readonly Change[]): Change[] {
  const groups = new Map<string, { change: Change; indices: number[] }>()
  for (const change of all) {
    const index = /\[(\d+)\]/.exec(change.path)
    const shape = index ? change.path.replace(index[0], '[]') : change.path
    const key = JSON.stringify([shape, change.before, change.after])
    const group = groups.get(key) ?? { change: { ...change, path: shape }, indices: [] }
    if (index) group.indices.push(Number(index[1]))
    groups.set(key, group)
  }
  return [...groups.values()].map(({ change, indices }) => ({
    ...change,
    path: change.path.replace('[]', `[${ranges(indices)}]`),
  }))
}

function ranges(indices: readonly number[]): string {
  const runs: [number, number][] = []
  for (const index of indices) {
    const last = runs.at(-1)
    if (last && index === last[1] + 1) last[1] = index
    else runs.push([index, index])
  }
  return runs.map(([from, to]) => (from === to ? String(from) : `${from}–${to}`)).join(', ')
}

const LONGEST_NAME = 100

/** Name of a rerun with these changes: "iris, learning rate 0.01". */
export function remedyName(name: string, all: readonly Change[]): string {
  const parts = gathered(all).map(({ path, after }) => {
    const field = path.split('.').slice(path.startsWith('clipping') ? -2 : -1)
    return `${field.join(' ').replaceAll('_', ' ')} ${after}`
  })
  const changed = [...new Set(parts)].slice(0, 3).join(', ')
  return `${name.slice(0, LONGEST_NAME / 2)}, ${changed}`.slice(0, LONGEST_NAME)
}
