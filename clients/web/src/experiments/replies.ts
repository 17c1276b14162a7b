/** The replies that the pictures of an experiment are drawn from: stored, or of one of its runs. */
import { api, body, type Schemas } from '../lib/api'

export type Call = Schemas['ExhibitCall']
export type Exhibit = Schemas['Exhibit']

/** The data of an exhibit's picture. */
export interface ExhibitProps<Replies extends readonly unknown[]> {
  figure: Pick<Exhibit, 'title' | 'caption'> & { name: string }
  kind: Exhibit['kind']
  /** Names of the networks, one for each reply. */
  jobs: readonly string[]
  replies: Replies
}

/** The stored replies of an exhibit; undefined if none are stored. */
export function storedReplies(exhibit: Exhibit): unknown[] | undefined {
  if (exhibit.calls.some((call) => !call.reply)) return undefined
  return exhibit.calls.map((call) => JSON.parse(call.reply) as unknown)
}

/** The pictures of a preset experiment with stored replies. */
export async function storedExhibits(
  id: string,
  signal: AbortSignal,
): Promise<{ exhibit: Exhibit; replies: unknown[] }[]> {
  const { exhibits } = await body(
    api.GET('/course/v1/preset-experiments/{id}/results', { params: { path: { id } }, signal }),
  )
  return exhibits.flatMap((exhibit) => {
    const replies = storedReplies(exhibit)
    return replies ? [{ exhibit, replies }] : []
  })
}

/** Send the requests of an exhibit about the jobs with these ids, by name. */
export function requestReplies(
  exhibit: Exhibit,
  ids: ReadonlyMap<string, string>,
  signal: AbortSignal,
): Promise<unknown[]> {
  return Promise.all(exhibit.calls.map((call) => send(call, ids.get(call.job) ?? '', signal)))
}

/** The client knows the path, but only at run time. */
function send(call: Call, id: string, signal: AbortSignal): Promise<unknown> {
  const fields = JSON.parse(call.request) as Record<string, unknown>
  if (call.method === 'GET') {
    const path = call.path as '/v1/jobs/{id}/weights'
    return body(api.GET(path, { params: { path: { id }, query: fields }, signal }))
  }
  const path = call.path as '/v1/jobs/{id}/activations'
  return body(api.POST(path, { params: { path: { id } }, body: fields, signal }))
}
