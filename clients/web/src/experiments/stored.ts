/** The stored results of preset experiments, and the runs that they show. */
import { api, body, isStored, storeReplies, type Schemas } from '../lib/api'

const storedId = (experiment: string, job: string): string => `stored:${experiment}:${job}`

/** Load the stored results; requests about their runs are answered from them. */
export async function resultsOf(
  name: string,
  signal: AbortSignal,
): Promise<Schemas['PresetExperimentResults']> {
  const results = await body(
    api.GET('/course/v1/preset-experiments/{id}/results', {
      params: { path: { id: name } },
      signal,
    }),
  )
  for (const { kind, calls } of results.exhibits) {
    if (kind === 'run' && calls.every(({ reply }) => reply))
      storeReplies(storedId(name, calls[0]!.job), calls)
  }
  return results
}

/** Ids of the runs that stored results show, by the name of their job. */
export function storedRuns(results: Schemas['PresetExperimentResults']): [string, string][] {
  return results.exhibits.flatMap(({ kind, calls }): [string, string][] => {
    const job = calls[0]!.job
    const id = storedId(results.name, job)
    return kind === 'run' && isStored(id) ? [[job, id]] : []
  })
}
