/**
 * Live events of a job or an experiment. The cursor is the `id` of the last event: a reconnect with it loses no event
 * and repeats none, so a lost connection is only a pause.
 *
 * `EventSource` does the same, but reports neither the reason of a failure nor the end of the stream.
 */
import type { Client } from './client.js'
import { isAbort, problemOf, unreachable, type ApiProblem } from './problem.js'
import type { Schemas } from './types.js'

export interface JobEvents {
  snapshot: Schemas['JobSnapshot']
  state: Schemas['StateChange']
  epochs: Schemas['EpochBatch']
  checkpoint: Schemas['NewCheckpoints']
  change: Schemas['TrainingChange']
  parameters: Schemas['Parameters']
  end: Schemas['End']
}

export interface ExperimentEvents {
  snapshot: Schemas['Experiment']
  end: Schemas['Experiment']
}

export type Status = 'connecting' | 'live' | 'reconnecting' | 'ended' | 'failed'

export type Handlers<E> = { [K in keyof E]?: (data: E[K], seq: number) => void } & {
  /**
   * `reconnecting`: retries automatically, with a problem if the service does not answer; `failed`: has given up.
   */
  status?: (status: Status, problem?: ApiProblem) => void
}

export interface Watch {
  /** The cursor: the number of the last received event. */
  readonly seq: number | undefined
  close(): void
}

export interface WatchOptions {
  /** Receive only events after this one; without it, the stream starts with a snapshot. */
  after?: number
  /** Receive the newest weights of a small network as well. */
  parameters?: boolean
  /**
   * Stay connected while the page is hidden. By default a page in the background takes none of the six connections
   * that a browser opens to a host, and continues where it was when it is shown again.
   */
  hidden?: boolean
}

/** A page that is shown again before this time has stayed connected. */
export const HIDDEN_WAIT = 3000
const FIRST_WAIT = 500
const LONGEST_WAIT = 8000

/** Follow the events of a path of the service, until their end or `close()`. */
export function watch<E>(
  client: Pick<Client, 'fetch'>,
  path: string,
  handlers: Handlers<E>,
  options: WatchOptions = {},
): Watch {
  const after = options.after === undefined ? undefined : String(options.after)
  const query: Record<string, string> = options.parameters ? { parameters: 'true' } : {}
  const receive = (event: ServerEvent) => {
    const handle = handlers[event.type as keyof E] as
      ((data: unknown, seq: number) => void) | undefined
    handle?.(JSON.parse(event.data), Number(event.id ?? 0))
    return event.type === 'end'
  }
  const stream = follow(client, path, query, after, handlers, receive, options.hidden)
  return {
    get seq() {
      return stream.cursor === undefined ? undefined : Number(stream.cursor)
    },
    close: () => stream.close(),
  }
}

/** The jobs of a stream: given ones, those with a label, or all that the key reaches. */
export interface WatchedJobs {
  /** Ids of jobs, at most 100. The stream ends when all of them have ended. */
  jobs?: string[]
  /** `key` or `key=value`: the jobs with this label that have not ended, and those that are created later. */
  label?: string
  /** Receive the newest weights of small networks as well. */
  parameters?: boolean
}

export type JobsEvents = JobEvents & { left: Schemas['LeftJob'] }

/** As `Handlers`, with the id of the job after the data of each event. */
export type JobsHandlers = {
  [K in keyof JobsEvents]?: (data: JobsEvents[K], job: string, seq: number) => void
} & Pick<Handlers<JobsEvents>, 'status'>

/** Follow many jobs over one connection, of which a browser opens six to a host. */
export function watchJobs(
  client: Pick<Client, 'fetch'>,
  watched: WatchedJobs,
  handlers: JobsHandlers,
): Pick<Watch, 'close'> {
  const query = {
    ...(watched.jobs ? { jobs: watched.jobs.join(',') } : {}),
    ...(watched.label === undefined ? {} : { label: watched.label }),
    ...(watched.parameters ? { parameters: 'true' } : {}),
  }
  const remaining = new Set(watched.jobs)
  return follow(client, '/v1/events', query, undefined, handlers, (event) => {
    const data = JSON.parse(event.data) as { job: string; seq: number }
    const type = event.type as keyof JobsEvents
    const handle = handlers[type] as ((data: unknown, job: string, seq: number) => void) | undefined
    handle?.(data[type as keyof typeof data], data.job, data.seq)
    if (type === 'end' || type === 'left') remaining.delete(data.job)
    return watched.jobs !== undefined && remaining.size === 0
  })
}

/** Read a stream across several connections, each from the cursor of the last event. */
function follow(
  client: Pick<Client, 'fetch'>,
  path: string,
  options: Record<string, string>,
  after: string | undefined,
  handlers: { status?: ((status: Status, problem?: ApiProblem) => void) | undefined },
  receive: (event: ServerEvent) => boolean,
  hidden = false,
): { readonly cursor: string | undefined; close(): void } {
  const abort = new AbortController()
  const page = hidden ? undefined : globalThis.document
  let cursor = after
  let ended = false
  let connection = new AbortController()
  abort.signal.addEventListener('abort', () => connection.abort())

  let leaving: ReturnType<typeof setTimeout> | undefined
  const turn = () => {
    clearTimeout(leaving)
    if (page?.hidden) leaving = setTimeout(() => connection.abort(), HIDDEN_WAIT)
  }

  async function connect(): Promise<'again' | 'over' | 'failed'> {
    const query = new URLSearchParams({
      ...(cursor === undefined ? {} : { after: cursor }),
      ...options,
    })
    const response = await client.fetch(`${path}${query.size ? `?${query}` : ''}`, {
      headers: { Accept: 'text/event-stream' },
      signal: connection.signal,
    })
    if (response.status === 204) return 'over'
    if (!response.ok) {
      const problem = await problemOf(response)
      if (problem.passing) return 'again'
      handlers.status?.('failed', problem)
      return 'failed'
    }
    handlers.status?.('live')
    for await (const event of readEvents(response.body!)) {
      if (event.id !== undefined) cursor = event.id
      if (receive(event) || ended) return 'over'
    }
    return 'again'
  }

  async function read(): Promise<void> {
    let wait = FIRST_WAIT
    handlers.status?.('connecting')
    page?.addEventListener('visibilitychange', turn, { signal: abort.signal })
    turn()
    while (!ended) {
      const before = cursor
      if (connection.signal.aborted) {
        connection = new AbortController()
        await shown(page!, abort.signal)
        if (ended) return
      }
      let problem: ApiProblem | undefined
      try {
        const outcome = await connect()
        if (outcome === 'failed') return
        if (outcome === 'over') break
      } catch (error) {
        if (connection.signal.aborted) continue
        if (isAbort(error)) return
        problem = unreachable()
      }
      if (ended) return
      handlers.status?.('reconnecting', problem)
      wait = cursor === before ? Math.min(wait * 2, LONGEST_WAIT) : FIRST_WAIT
      await pause(wait, abort.signal)
    }
    page?.removeEventListener('visibilitychange', turn)
    if (!ended) handlers.status?.('ended')
  }

  void read()
  return {
    get cursor() {
      return cursor
    },
    close() {
      ended = true
      abort.abort()
    },
  }
}

/** Wait until the page is shown. */
function shown(page: Document, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (page.hidden && !signal.aborted) return
      page.removeEventListener('visibilitychange', look)
      resolve()
    }
    page.addEventListener('visibilitychange', look)
    signal.addEventListener('abort', look, { once: true })
    look()
  })
}

/** Wait, but stop early if the browser reports that it is online again. */
function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      globalThis.removeEventListener?.('online', done)
      resolve()
    }
    const timer = setTimeout(done, milliseconds)
    globalThis.addEventListener?.('online', done)
    signal.addEventListener('abort', done, { once: true })
  })
}

interface ServerEvent {
  type: string
  data: string
  id?: string
}

/** https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation */
export async function* readEvents(stream: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent> {
  const reader = stream
    .pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>)
    .getReader()
  let rest = ''
  let event: ServerEvent = { type: 'message', data: '' }
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      const lines = (rest + value).split(/\r\n|\n|\r(?!$)/)
      rest = lines.pop()!
      for (const line of lines) {
        if (line === '') {
          if (event.data) yield event
          event = { type: 'message', data: '' }
          continue
        }
        const colon = line.indexOf(':')
        if (colon === 0) continue
        const field = colon < 0 ? line : line.slice(0, colon)
        const text = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
        if (field === 'event') event.type = text
        else if (field === 'data') event.data += (event.data ? '\n' : '') + text
        else if (field === 'id') event.id = text
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined)
  }
}
