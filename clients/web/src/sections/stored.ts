import { api, body } from '../lib/api'

/** The newest successful run of a preset that the service has, and its last epoch. */
export async function storedRun(
  preset: string,
  signal: AbortSignal,
): Promise<{ id?: string; epoch?: number }> {
  const query = { label: `preset=${preset}`, states: ['succeeded' as const], page_size: 1 }
  const { jobs } = await body(api.GET('/v1/jobs', { params: { query }, signal }))
  return jobs[0] ? { id: jobs[0].id, epoch: jobs[0].epoch } : {}
}
