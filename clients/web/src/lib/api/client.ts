/** The typed client: every path and body is checked against the documents of both APIs. */
import createClient, { type Middleware } from 'openapi-fetch'

import { authorization, noticeRefusal } from './key'
import { isAbort, problemOf, unreachable } from './problem'
import type * as course from './course'
import type * as training from './schema'
import { isStored, storedReply } from './stored'

export type Paths = training.paths & course.paths
export type Schemas = training.components['schemas'] & course.components['schemas']

/** The query of a method. Where it is built outside of the call, TypeScript needs its type. */
export type Query<Name extends keyof training.operations> = NonNullable<
  training.operations[Name]['parameters']['query']
>

/** Receives every reply and every failure to connect, for the connection state. */
export interface Listener {
  answered(): void
  silent(): void
}

let listener: Listener = { answered() {}, silent() {} }

export function listen(to: Listener): void {
  listener = to
}

/** Report that the service did not answer a request that was not made with `api`. */
export function reportSilence(): void {
  listener.silent()
}

const stored: Middleware = {
  async onRequest({ request, schemaPath, params }) {
    const id = params.path?.['id']
    if (typeof id !== 'string' || !isStored(id)) return undefined
    const fields: unknown =
      request.method === 'GET' ? (params.query ?? {}) : await request.clone().json()
    return new Response(
      storedReply(id, request.method, schemaPath, fields as Record<string, unknown>),
    )
  },
}

const problems: Middleware = {
  onRequest({ request }) {
    for (const [name, value] of Object.entries(authorization())) request.headers.set(name, value)
    return request
  },
  async onResponse({ response }) {
    listener.answered()
    noticeRefusal(response)
    if (!response.ok) throw await problemOf(response)
  },
  onError({ error }) {
    if (isAbort(error)) return undefined
    listener.silent()
    return unreachable()
  },
}

export function connect(baseUrl = '') {
  const client = createClient<Paths>({ baseUrl: baseUrl || location.origin })
  client.use(stored, problems)
  return client
}

export const api = connect()

/** The body of a successful reply; errors were thrown before. */
export async function body<T>(answer: Promise<{ data?: T }>): Promise<T> {
  return (await answer).data as T
}
