/** Requests about a stored epoch of a job. Their replies never change, so the same one is sent once. */
import { api, body } from '../lib/api'
import type { Body, Method, Parameters, Reply } from '../lib/api/asked.svelte'
import type { Paths } from '@epochal/client'
import { memoize } from './memoize'

type Path<N extends string> = Extract<keyof Paths, `/v1/jobs/{id}/${N}`>
type Named<P> = P extends `/v1/jobs/{id}/${infer N}` ? N : never
type Post = Named<
  { [P in keyof Paths]: Paths[P] extends { post: object } ? P : never }[keyof Paths]
>
type Get = Named<{ [P in keyof Paths]: Paths[P] extends { get: object } ? P : never }[keyof Paths]>

type Fetch<I, O> = (input: I, signal: AbortSignal) => Promise<O>

/** Return what sends a body, e.g. to `predict`. */
export function askJob<N extends Post>(
  id: () => string,
  name: N,
): Fetch<Body<Method<Path<N>, 'post'>>, Reply<Method<Path<N>, 'post'>>> {
  return memoize((request, signal) => {
    const options = { params: { path: { id: id() } }, body: request, signal }
    return body(api.POST(`/v1/jobs/{id}/${name}` as never, options as never))
  })
}

/** Return what sends the parameters of a query, e.g. to `weights`. */
export function readJob<N extends Get>(
  id: () => string,
  name: N,
): Fetch<Parameters<Method<Path<N>, 'get'>>, Reply<Method<Path<N>, 'get'>>> {
  return memoize((query, signal) => {
    const options = { params: { path: { id: id() }, query }, signal }
    return body(api.GET(`/v1/jobs/{id}/${name}` as never, options as never))
  })
}
