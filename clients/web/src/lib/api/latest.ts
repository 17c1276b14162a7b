/**
 * Sends requests while a slider moves: the latest one wins, and at most one is pending.
 *
 *     ask(1) ── in flight ──▶ shown        While an answer is on its way, newer questions wait and
 *     ask(2)  (replaced)                   replace each other. It is let in if it comes within
 *     ask(3)  ───────── in flight ──▶      `patience` ms of the first of them, so that the picture
 *                                          moves at the pace of the service; else it is aborted,
 *                                          unless the one before was: every second one is let in.
 */
import { isAbort } from '@epochal/client'

export interface Events<I, O> {
  answer(value: O, input: I): void
  problem(error: unknown): void
  pending(waiting: boolean): void
}

export class Latest<I, O> {
  #running: AbortController | undefined
  #next: { input: I } | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #isSkipped = false

  constructor(
    private readonly fetch: (input: I, signal: AbortSignal) => Promise<O>,
    private readonly events: Events<I, O>,
    private readonly patience = 150,
  ) {}

  ask(input: I): void {
    if (!this.#running) {
      void this.#run(input)
      return
    }
    this.#next = { input }
    this.#timer ??= setTimeout(() => this.#skip(), this.patience)
  }

  /** Drop the pending request and report nothing until the next one. */
  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = this.#next = undefined
    this.#running?.abort()
    this.#running = undefined
  }

  #skip(): void {
    if (this.#isSkipped) return
    const next = this.#next
    this.stop()
    this.#isSkipped = true
    if (next) void this.#run(next.input)
  }

  async #run(input: I): Promise<void> {
    const controller = (this.#running = new AbortController())
    this.events.pending(true)
    try {
      const value = await this.fetch(input, controller.signal)
      if (this.#running === controller) this.events.answer(value, input)
    } catch (error) {
      if (this.#running === controller && !isAbort(error)) this.events.problem(error)
    }
    if (this.#running !== controller) return
    const next = this.#next
    this.stop()
    this.#isSkipped = false
    if (next) void this.#run(next.input)
    else this.events.pending(false)
  }
}
