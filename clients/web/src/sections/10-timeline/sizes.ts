/** Parameters of the networks of the timeline, as far as they were published. */
import type { Schemas } from '@epochal/client'
import { toNumber } from '../../lib/api/numbers'

export interface Size {
  entry: Schemas['TimelineEntry']
  /** The largest published count of the entry; undefined if that of its own network was not published. */
  parameters: number | undefined
}

/** Entries without any parameter count are left out. */
export function sizesOf(entries: readonly Schemas['TimelineEntry'][]): Size[] {
  return entries.flatMap((entry) => {
    const counts = entry.facts
      .filter((fact) => fact.unit === 'parameters')
      .map((fact) => toNumber(fact.value))
    if (!counts.length) return []
    return [{ entry, parameters: entry.has_published_size ? Math.max(...counts) : undefined }]
  })
}
