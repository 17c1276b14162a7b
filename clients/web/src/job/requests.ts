/**
 * Requests about an epoch of a job. The reply about a stored one never changes, so the same request is
 * sent once. The newest epoch of a run that trains is another one a moment later: it is requested without
 * its number, and what the page can compute from the weights of the stream is not requested again.
 */
import { getContext, setContext } from 'svelte'

import { resolutionFor } from '../bench/maps'
import { body, service, toNumber } from '../lib/api'
import type { Body, Method, Parameters, Reply } from '../lib/api/asked.svelte'
import type { Paths, Schemas } from '@epochal/client'
import type { Look } from './look.svelte'
import { memoize } from './memoize'
import { predicted, sampled, unitMaps, type Trained } from './replies'
import type { Seen } from './seen'

type Path<N extends string> = Extract<keyof Paths, `/v1/jobs/{id}/${N}`>
type Named<P> = P extends `/v1/jobs/{id}/${infer N}` ? N : never
type Post = Named<
  { [P in keyof Paths]: Paths[P] extends { post: object } ? P : never }[keyof Paths]
>
type Get = Named<{ [P in keyof Paths]: Paths[P] extends { get: object } ? P : never }[keyof Paths]>

type Fetch<I, O> = (input: I, signal: AbortSignal) => Promise<O>

const LOOK = Symbol('look')

/** Requests of this component and of those in it are about the epoch that `look` selects. */
export const provideLook = (look: Look) => setContext(LOOK, look)

/** Return what leaves the epoch out of requests while they follow the newest one. */
export const following = () => follow(getContext(LOOK))

/** Return the methods of the service that has the run of these figures. */
export const apiOf = () => (getContext<Look | undefined>(LOOK)?.run.service ?? service).api

type Followed = Pick<Look, 'following' | 'live'> | undefined

const follow =
  (look: Followed) =>
  <I extends object>(request: I): I =>
    look?.following ? { ...request, epoch: undefined } : request

/** Return what sends a body, e.g. to `predict`. */
export function askJob<N extends Post>(
  id: () => string,
  name: N,
): Fetch<Body<Method<Path<N>, 'post'>>, Reply<Method<Path<N>, 'post'>>> {
  const api = apiOf()
  return asking(getContext(LOOK), name, (request, signal) => {
    const options = { params: { path: { id: id() } }, body: request, signal }
    return body(api.POST(`/v1/jobs/{id}/${name}` as never, options as never))
  })
}

/** Return what sends the parameters of a query, e.g. to `weights`. */
export function readJob<N extends Get>(
  id: () => string,
  name: N,
): Fetch<Parameters<Method<Path<N>, 'get'>>, Reply<Method<Path<N>, 'get'>>> {
  const api = apiOf()
  return asking(getContext(LOOK), name, (query, signal) => {
    const options = { params: { path: { id: id() }, query }, signal }
    return body(api.GET(`/v1/jobs/{id}/${name}` as never, options as never))
  })
}

export function asking<I, O>(look: Followed, name: string, fetch: Fetch<object, O>): Fetch<I, O> {
  const requested = follow(look)
  const ask = memoize((input: object, signal: AbortSignal) => fetch(requested(input), signal))
  let last: { question: string; reply: O } | undefined
  return async (input, signal) => {
    const request = (input ?? {}) as object
    const question = JSON.stringify({ ...request, epoch: 0 })
    const before = last?.question === question ? last.reply : undefined
    const reply =
      (look?.live && before && (replyOf(look.live, name, request, before as object) as O)) ??
      (await ask(request, signal))
    last = { question, reply }
    return reply
  }
}

/** Multiplications of a map that is computed here, many times a second. */
const WORK = 400_000

/** The reply that follows another one to the same question; undefined if only the service has it. */
function replyOf(trained: Trained, name: string, request: object, last: object) {
  if (name === 'sample-predictions')
    // In another order, other samples may be the first ones.
    return 'order' in request && request.order === 'random'
      ? sampled(trained, last as Seen)
      : undefined
  if (name === 'unit-maps') {
    const { x, y } = last as Schemas['UnitMaps']
    const [x_min, x_max, y_min, y_max] = [x[0], x.at(-1), y[0], y.at(-1)].map((end) =>
      toNumber(end!),
    ) as [number, number, number, number]
    return unitMaps(trained, { x_min, x_max, y_min, y_max }, x.length)
  }
  if (name !== 'predict') return undefined
  const { grid, inputs } = request as Schemas['PredictRequest']
  const resolution = resolutionFor(trained.network, WORK, grid?.resolution ?? 0)
  // The page has the names of classes from the samples.
  const names = (last as Schemas['Prediction']).classes.length ? [''] : []
  return predicted(trained, { grid: grid && { ...grid, resolution }, inputs }, names)
}
