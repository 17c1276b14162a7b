/** Requests of the course: an explorer at the state of its controls, and lists without parameters. */
import { body, type Paths } from '@epochal/client'

import { api } from './client'
import { computed, type Computed } from './computed.svelte'

type Json<R> = R extends { content: { 'application/json': infer J } } ? J : never
export type Method<P extends keyof Paths, M extends 'get' | 'post'> = NonNullable<Paths[P][M]>
export type Reply<O> = O extends { responses: { 200: infer R } } ? Json<R> : never
export type Body<O> = O extends { requestBody: infer R } ? Json<R> : never
export type Parameters<O> = O extends { parameters: { query?: infer Q } } ? Q : never

type Explorer = Extract<keyof Paths, `/course/v1/simulate/${string}`>
export type Simulation = Explorer extends `/course/v1/simulate/${infer Name}` ? Name : never
type Simulate<N extends Simulation> = Method<`/course/v1/simulate/${N}`, 'post'>

/** The paths that can be read without parameters. */
type List = {
  [P in keyof Paths]: Paths[P] extends { get: { parameters: { path?: never } } } ? P : never
}[keyof Paths]

export function simulate<N extends Simulation>(
  name: N,
  request: Body<Simulate<N>>,
  signal: AbortSignal,
): Promise<Reply<Simulate<N>>> {
  return body(
    api.POST(`/course/v1/simulate/${name}` as Explorer, { body: request, signal } as never),
  )
}

/** The reply of an explorer to a request that follows reactive state; `undefined` sends nothing. */
export function simulated<N extends Simulation>(
  name: N,
  request: () => Body<Simulate<N>> | undefined,
  draft?: (last: Reply<Simulate<N>>, input: Body<Simulate<N>>) => Reply<Simulate<N>>,
): Computed<Reply<Simulate<N>>> {
  return computed(request, (input, signal) => simulate(name, input, signal), draft)
}

/** The list at a path without parameters, e.g. `/course/v1/models`. */
export function listed<P extends List>(path: P): Computed<Reply<Method<P, 'get'>>> {
  return computed(
    () => path,
    (path, signal) => body(api.GET(path as List, { signal } as never)),
  )
}
