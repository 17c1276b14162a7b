// @vitest-environment jsdom
import { afterEach, describe, expect, it, vi } from 'vitest'

import { Client } from './client'
import { HIDDEN_WAIT, readEvents, watch, type JobEvents, type Status } from './watch'

const url = 'http://service'
const client = new Client({ url })

function stream(...chunks: string[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(new TextEncoder().encode(chunk))
      controller.close()
    },
  })
}

async function all(...chunks: string[]) {
  const events = []
  for await (const event of readEvents(stream(...chunks))) events.push(event)
  return events
}

describe('server-sent events', () => {
  it('are parsed from chunks of any size', async () => {
    const events = await all(
      'retry: 1000\n\nid: 7\neve',
      'nt: epochs\ndata: {"a"',
      ':1}\n',
      '\n: heartbeat\n\nid: 8\n',
    )
    expect(events).toEqual([{ type: 'epochs', data: '{"a":1}', id: '7' }])
  })

  it('can have several data lines and any line ending', async () => {
    expect(await all('data: a\r\ndata: b\r\n\r', '\ndata:c\r\r', ': end')).toEqual([
      { type: 'message', data: 'a\nb' },
      { type: 'message', data: 'c' },
    ])
  })
})

describe('watching', () => {
  afterEach(() => vi.unstubAllGlobals())

  function answers(...responses: (Response | Error)[]): string[] {
    const request: string[] = []
    vi.stubGlobal('fetch', (url: string) => {
      request.push(url)
      const next = responses.shift()!
      return next instanceof Error ? Promise.reject(next) : Promise.resolve(next)
    })
    return request
  }

  it('reconnects with its cursor, reports it, and receives every event once', async () => {
    vi.useFakeTimers()
    const request = answers(
      new Response(stream('id: 3\nevent: state\ndata: 1\n\n')),
      new TypeError('network error'),
      new Response(stream('id: 4\nevent: state\ndata: 2\n\n', 'id: 5\nevent: end\ndata: 3\n\n')),
    )
    const message: Status[] = []
    const got: unknown[] = []
    watch<{ state: number; end: number }>(client, '/events', {
      state: (data) => got.push(data),
      end: (data) => got.push(data),
      status: (status) => message.push(status),
    })
    await vi.advanceTimersByTimeAsync(20_000)
    vi.useRealTimers()
    expect(request).toEqual([`${url}/events`, `${url}/events?after=3`, `${url}/events?after=3`])
    expect(got).toEqual([1, 2, 3])
    expect(message).toEqual(['connecting', 'live', 'reconnecting', 'reconnecting', 'live', 'ended'])
  })

  it('gives up on permanent errors and reports them', async () => {
    const problem = { reason: 'not_found', title: 'There is no such thing here', detail: 'job_1' }
    answers(new Response(JSON.stringify(problem), { status: 404 }))
    const message: unknown[] = []
    watch<JobEvents>(client, '/events', {
      status: (status, why) => message.push(why?.title ?? status),
    })
    await vi.waitFor(() => expect(message).toEqual(['connecting', 'There is no such thing here']))
    await new Promise((resolve) => setTimeout(resolve))
    expect(message).toHaveLength(2)
  })

  it('ends if the service has no more events', async () => {
    answers(new Response(null, { status: 204 }))
    const message = await new Promise((resolve) => {
      watch<JobEvents>(
        client,
        '/events',
        { status: (status) => status === 'ended' && resolve(status) },
        { after: 9 },
      )
    })
    expect(message).toBe('ended')
  })

  it('reads many jobs over one connection, and continues with the cursor of all', async () => {
    vi.useFakeTimers()
    const request = answers(
      new Response(
        stream(
          'id: -~a.3~b.\nevent: state\ndata: {"job":"job_a","seq":3,"state":{"state":"running"}}\n\n',
          'id: -~b.\nevent: end\ndata: {"job":"job_a","seq":4,"end":{"state":"succeeded"}}\n\n',
        ),
      ),
      new Response(
        stream('id: -\nevent: left\ndata: {"job":"job_b","seq":0,"left":{"detail":"deleted"}}\n\n'),
      ),
    )
    const seen: unknown[] = []
    const status: Status[] = []
    client.watch(
      { jobs: ['job_a', 'job_b'] },
      {
        state: (data, job, seq) => seen.push(['state', data.state, job, seq]),
        end: (data, job) => seen.push(['end', data.state, job]),
        left: (data, job) => seen.push(['left', data.detail, job]),
        status: (now) => status.push(now),
      },
    )
    await vi.runAllTimersAsync()
    vi.useRealTimers()
    expect(seen).toEqual([
      ['state', 'running', 'job_a', 3],
      ['end', 'succeeded', 'job_a'],
      ['left', 'deleted', 'job_b'],
    ])
    expect(request.map((address) => new URL(address).search)).toEqual([
      '?jobs=job_a%2Cjob_b',
      '?after=-%7Eb.&jobs=job_a%2Cjob_b',
    ])
    expect(status).toEqual(['connecting', 'live', 'reconnecting', 'live', 'ended'])
  })

  it('leaves its connection to others while the page is hidden, and continues', async () => {
    vi.useFakeTimers()
    const hidden = vi.spyOn(document, 'hidden', 'get').mockReturnValue(false)
    const turn = (now: boolean) => {
      hidden.mockReturnValue(now)
      document.dispatchEvent(new Event('visibilitychange'))
    }
    const requests: string[] = []
    let open = 0
    vi.stubGlobal('fetch', (url: string, { signal }: RequestInit) => {
      requests.push(new URL(url).search)
      open++
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          const text = requests.length === 1 ? 'id: 3\nevent: state\ndata: 1\n\n' : ''
          controller.enqueue(new TextEncoder().encode(text))
          signal!.addEventListener('abort', () => {
            open--
            controller.error(new DOMException('', 'AbortError'))
          })
        },
      })
      return Promise.resolve(new Response(body))
    })
    const status: Status[] = []
    const watching = watch<JobEvents>(client, '/v1/jobs/job_1/events', {
      status: (now) => status.push(now),
    })
    await vi.advanceTimersByTimeAsync(100)
    turn(true)
    await vi.advanceTimersByTimeAsync(HIDDEN_WAIT - 1)
    turn(false)
    await vi.advanceTimersByTimeAsync(2 * HIDDEN_WAIT)
    expect([requests.length, open]).toEqual([1, 1])
    turn(true)
    await vi.advanceTimersByTimeAsync(20 * HIDDEN_WAIT)
    expect([requests.length, open]).toEqual([1, 0])
    turn(false)
    await vi.advanceTimersByTimeAsync(100)
    expect([requests, open]).toEqual([['', '?after=3'], 1])
    turn(true)
    await vi.advanceTimersByTimeAsync(2 * HIDDEN_WAIT)
    watching.close()
    turn(false)
    await vi.advanceTimersByTimeAsync(2 * HIDDEN_WAIT)
    vi.useRealTimers()
    hidden.mockRestore()
    expect([requests.length, open]).toEqual([2, 0])
    expect(status).toEqual(['connecting', 'live', 'live'])
  })
})
