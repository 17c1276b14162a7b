import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { Latest } from './latest'

interface Call {
  input: number
  signal: AbortSignal
  answer: (value: string) => void
  fail: (error: unknown) => void
}

let calls: Call[]
let reported: string[]

function asker(patience = 100): Latest<number, string> {
  const ask = (input: number, signal: AbortSignal) =>
    new Promise<string>((answer, fail) => {
      calls.push({ input, signal, answer, fail })
      signal.addEventListener('abort', () => fail(new DOMException('', 'AbortError')))
    })
  return new Latest(
    ask,
    {
      answer: (value) => reported.push(value),
      problem: (error) => reported.push(String(error)),
      pending: () => undefined,
    },
    patience,
  )
}

const settle = () => vi.advanceTimersByTimeAsync(0)

beforeEach(() => {
  calls = []
  reported = []
  vi.useFakeTimers()
})
afterEach(() => vi.useRealTimers())

describe('requests while a slider moves', () => {
  it('has one pending request, then sends only the latest of the waiting ones', async () => {
    const latest = asker()
    for (const input of [1, 2, 3, 4]) latest.ask(input)
    expect(calls.map((call) => call.input)).toEqual([1])
    calls[0]!.answer('one')
    await settle()
    expect(reported).toEqual(['one'])
    expect(calls.map((call) => call.input)).toEqual([1, 4])
    calls[1]!.answer('four')
    await settle()
    expect(reported).toEqual(['one', 'four'])
  })

  it('aborts a request that exceeds its patience if a newer one is waiting', async () => {
    const latest = asker(100)
    latest.ask(1)
    await vi.advanceTimersByTimeAsync(5000)
    expect(calls[0]!.signal.aborted).toBe(false)
    latest.ask(2)
    latest.ask(3)
    await vi.advanceTimersByTimeAsync(99)
    expect(calls).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(1)
    expect(calls[0]!.signal.aborted).toBe(true)
    expect(calls.map((call) => call.input)).toEqual([1, 3])
    calls[1]!.answer('three')
    await settle()
    expect(reported).toEqual(['three'])
  })

  it('answers a stream of requests that is faster than the service', async () => {
    const latest = asker(100)
    for (let input = 1; input <= 10; input++) {
      latest.ask(input)
      for (let rest = 0; rest < 3; rest++) {
        const call = calls.at(-1)!
        setTimeout(() => call.answer(String(call.input)), 400)
        await vi.advanceTimersByTimeAsync(50)
      }
    }
    await vi.advanceTimersByTimeAsync(400)
    expect(reported.length).toBeGreaterThan(1)
  })

  it('reports a problem and continues with the next request', async () => {
    const latest = asker()
    latest.ask(1)
    latest.ask(2)
    calls[0]!.fail('broken')
    await settle()
    calls[1]!.answer('two')
    await settle()
    expect(reported).toEqual(['broken', 'two'])
  })

  it('reports nothing after it is stopped', async () => {
    const latest = asker()
    latest.ask(1)
    latest.stop()
    calls[0]!.answer('one')
    await settle()
    expect(reported).toEqual([])
    expect(calls[0]!.signal.aborted).toBe(true)
  })
})
