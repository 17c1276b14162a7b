/** Runs on one axis: where each begins on it, and what each is called. */

export interface Relative {
  id: string | null
  name?: string | null
  forked_from?: { job: string; epoch: number } | null
}

/**
 * By how many epochs each run starts later than the first of its line. A fork begins where it was
 * taken, if the run that it was taken from is among them, or a sister that was taken from the same.
 */
export function offsets(runs: readonly Relative[]): Map<string, number> {
  const known = new Map(runs.map((each) => [each.id ?? '', each]))
  const lines = new Map<string, number>()
  for (const { forked_from } of runs) if (forked_from) lines.set(forked_from.job, (lines.get(forked_from.job) ?? 0) + 1)
  const found = new Map<string, number>()
  const of = (id: string): number => {
    const before = found.get(id)
    if (before !== undefined) return before
    found.set(id, 0)
    const from = known.get(id)?.forked_from
    const related = from && (known.has(from.job) || (lines.get(from.job) ?? 0) > 1)
    const offset = related ? from.epoch + (known.has(from.job) ? of(from.job) : 0) : 0
    found.set(id, offset)
    return offset
  }
  for (const id of known.keys()) of(id)
  return found
}

/** A name for each; those of the same name are told apart by the end of their id. */
export function titles(runs: readonly Relative[]): string[] {
  const names = runs.map((each) => each.name ?? 'another run')
  return names.map((name, i) =>
    names.filter((each) => each === name).length > 1 ? `${name} (${(runs[i]!.id ?? '').slice(-4)})` : name,
  )
}

export function ids(text: string): string[] {
  return text.split(',').filter(Boolean).slice(0, 9)
}
