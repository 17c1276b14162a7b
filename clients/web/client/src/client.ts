/** A client of a service: the usual calls in few words, and every method of the API through `api`. */
import createClient, { type Client as Api, type Middleware } from 'openapi-fetch'

import { Job } from './job.js'
import { isAbort, problemOf, unreachable } from './problem.js'
import type { Paths, Schemas, Spec } from './types.js'
import {
  watch,
  watchJobs,
  type ExperimentEvents,
  type Handlers,
  type JobsHandlers,
  type Watch,
  type WatchedJobs,
} from './watch.js'

export interface Options {
  /** Address of the service. Default: the service that this script came from. */
  url?: string
  /** API key, or a function that returns the present key. */
  key?: string | (() => string | null | undefined)
  /** Called with each reply, and without one if the service did not answer. */
  onreply?: (response?: Response) => void
}

/** The service that this script came from, or a service on this machine. */
function home(): string {
  const { protocol, origin } = new URL(import.meta.url)
  return protocol.startsWith('http') ? origin : 'http://127.0.0.1:8000'
}

export class Client {
  readonly url: string
  /**
   * Every method of the API, with typed paths and bodies: `api.GET('/v1/jobs/{id}', …)`. An error of
   * the service is thrown as an `ApiProblem`.
   */
  readonly api: Api<Paths>
  readonly #options: Options

  constructor(options: Options = {}) {
    this.url = (options.url ?? home()).replace(/\/$/, '')
    this.#options = options
    this.api = createClient<Paths>({ baseUrl: this.url })
    const requests: Middleware = {
      onRequest: ({ request }) => {
        for (const [name, value] of Object.entries(this.authorization()))
          request.headers.set(name, value)
        return request
      },
      onResponse: async ({ response }) => {
        options.onreply?.(response)
        if (!response.ok) throw await problemOf(response)
      },
      onError: ({ error }) => {
        if (isAbort(error)) return undefined
        options.onreply?.()
        return unreachable()
      },
    }
    this.api.use(requests)
  }

  /** Create a job. It trains at once; `job.watch` follows it. */
  async train(spec: Spec): Promise<Job> {
    return new Job(this, await body(this.api.POST('/v1/jobs', { body: spec })))
  }

  /** Read a job by its id. */
  async job(id: string): Promise<Job> {
    return new Job(this, await body(this.api.GET('/v1/jobs/{id}', { params: { path: { id } } })))
  }

  /** Read the newest jobs, without their data, or the jobs that a filter matches. */
  async jobs(filter?: string): Promise<Schemas['Job'][]> {
    const query = filter === undefined ? {} : { filter }
    return (await body(this.api.GET('/v1/jobs', { params: { query } }))).jobs
  }

  /** Read the spec of a ready job, such as `xor` or `digits`, to train it as it is or changed. */
  async preset(id: string): Promise<Spec> {
    const path = { params: { path: { id } } }
    return (await body(this.api.GET('/course/v1/presets/{id}', path))).spec as Spec
  }

  /**
   * Follow many jobs over one connection: given ones, those with a label, or all that the key reaches.
   * Each starts with a snapshot. A lost connection is opened again, without a gap and without a repetition.
   */
  watch(jobs: WatchedJobs, handlers: JobsHandlers): Pick<Watch, 'close'> {
    return watchJobs(this, jobs, handlers)
  }

  /** Follow an experiment. */
  watchExperiment(id: string, handlers: Handlers<ExperimentEvents>): Watch {
    return watch(this, `/v1/experiments/${id}/events`, handlers)
  }

  /** `fetch` of a path of the service, with the key: for streams and downloads. */
  async fetch(path: string, options: RequestInit = {}): Promise<Response> {
    const headers = { ...this.authorization(), ...(options.headers as Record<string, string>) }
    let response: Response
    try {
      response = await fetch(this.url + path, { ...options, headers })
    } catch (error) {
      if (!isAbort(error)) this.#options.onreply?.()
      throw error
    }
    this.#options.onreply?.(response)
    return response
  }

  /** The headers of a request that give the key. */
  authorization(): Record<string, string> {
    const { key } = this.#options
    const present = typeof key === 'function' ? key() : key
    return present ? { Authorization: `Bearer ${present}` } : {}
  }
}

/** The body of a successful reply; errors were thrown before. */
export async function body<T>(answer: Promise<{ data?: T }>): Promise<T> {
  return (await answer).data as T
}
