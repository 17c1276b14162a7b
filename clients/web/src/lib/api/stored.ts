/**
 * Stored replies stand in for a job that the service does not have: a request about its id is answered
 * with what a real run replied to the same request.
 */
import { ApiProblem } from '@epochal/client'

export interface StoredCall {
  method: string
  path: string
  /** Query or body, as JSON. */
  request: string
  reply: string
}

export type Fields = Readonly<Record<string, unknown>>

/** Returns the reply as JSON; undefined if there is none to this request. */
export type Answer = (method: string, path: string, fields: Fields) => string | undefined

const jobs = new Map<string, { answer: Answer; epochs: readonly number[] }>()

/** Answer requests about an id without the service; `epochs` are those with weights. */
export function answerFor(id: string, answer: Answer, epochs: readonly number[] = []): void {
  jobs.set(id, { answer, epochs })
}

/** A request without its id; the order of its fields does not matter. */
const keyOf = (method: string, path: string, fields: Fields): string =>
  `${method} ${path} ${JSON.stringify(fields, Object.keys(fields).sort())}`

/** Answer requests about a job from these calls. */
export function storeReplies(id: string, calls: readonly StoredCall[]): void {
  const requests = calls.map(({ request }) => JSON.parse(request) as Fields)
  const replies = new Map(
    calls.map(({ method, path, reply }, i) => [keyOf(method, path, requests[i]!), reply]),
  )
  answerFor(id, (method, path, fields) => replies.get(keyOf(method, path, fields)), [
    ...new Set(requests.flatMap(({ epoch }) => (typeof epoch === 'number' ? epoch : []))),
  ])
}

export const isStored = (id: string): boolean => jobs.has(id)

/** The epochs that the stored requests are about, as they came. */
export const storedEpochs = (id: string): readonly number[] => jobs.get(id)?.epochs ?? []

/** The stored reply as JSON. Throws an `ApiProblem` with the reason `not_stored` for another request. */
export function storedReply(id: string, method: string, path: string, fields: Fields): string {
  const reply = jobs.get(id)?.answer(method, path, fields)
  if (reply !== undefined) return reply
  throw new ApiProblem(
    404,
    'not_stored',
    'This needs a model of your own',
    'The figures show stored results of a model that has been trained before. One that you train answers everything.',
  )
}
