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
}

const FIRST_WAIT = 500
const LONGEST_WAIT = 8000

/** Follow the events of a path of the service, until their end or `close()`. */
export function watch<E>(
  client: Pick<Client, 'fetch'>,
  path: string,
  handlers: Handlers<E>,
  options: WatchOptions = {},
): Watch {
  const abort = new AbortController()
  let seq = options.after
  let ended = false

  async function connect(): Promise<'again' | 'over' | 'failed'> {
    const query = new URLSearchParams({
      ...(seq === undefined ? {} : { after: String(seq) }),
      ...(options.parameters ? { parameters: 'true' } : {}),
    })
    const response = await client.fetch(`${path}${query.size ? `?${query}` : ''}`, {
      headers: { Accept: 'text/event-stream' },
      signal: abort.signal,
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
      if (event.id !== undefined) seq = Number(event.id)
      const handle = handlers[event.type as keyof E] as
        ((data: unknown, seq: number) => void) | undefined
      handle?.(JSON.parse(event.data), seq ?? 0)
      if (event.type === 'end') return 'over'
    }
    return 'again'
  }

  async function follow(): Promise<void> {
    let wait = FIRST_WAIT
    handlers.status?.('connecting')
    while (!ended) {
      const before = seq
      let problem: ApiProblem | undefined
      try {
        const outcome = await connect()
        if (outcome === 'failed') return
        if (outcome === 'over') break
      } catch (error) {
        if (isAbort(error)) return
        problem = unreachable()
      }
      if (ended) return
      handlers.status?.('reconnecting', problem)
      wait = seq === before ? Math.min(wait * 2, LONGEST_WAIT) : FIRST_WAIT
      await pause(wait, abort.signal)
    }
    if (!ended) handlers.status?.('ended')
  }

  void follow()
  return {
    get seq() {
      return seq
    },
    close() {
      ended = true
      abort.abort()
    },
  }
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
