/** A text that is generated token by token; it starts over if its request changes. */
import { ApiProblem } from '../lib/api/problem'
import { motion } from '../lib/state/theme.svelte'
import { grow, type Ask, type Question, type Written } from './write'

/** Milliseconds per new token, so that the user can follow. */
const PACE = 60

export class Writer {
  written = $state.raw<readonly Written[]>([])
  /** The previous text, shown while the new one is shorter. */
  before = $state.raw<readonly Written[]>([])
  /** Probabilities of the next token. */
  coming = $state.raw<readonly number[]>()
  problem = $state.raw<ApiProblem>()
  busy = $state(false)

  #question = ''

  /** Texts up to the length of `shown` appear at once, because the user has seen them. */
  constructor(
    private readonly ask: Ask,
    private shown: number,
  ) {}

  /** Generate until the text has `length` tokens; cut a longer one. */
  async write(question: Question, length: number, signal: AbortSignal): Promise<void> {
    const request = JSON.stringify(question)
    if (request !== this.#question) {
      this.before = this.written
      this.written = []
    }
    this.#question = request
    this.problem = undefined
    this.busy = true
    this.written = this.written.slice(0, length)
    try {
      for await (const next of grow(this.ask, question, this.written, signal)) {
        if (signal.aborted) return
        this.coming = next.probabilities
        if (this.written.length >= length) break
        this.written = [...this.written, next]
        if (this.written.length > this.shown && !motion.reduced)
          await new Promise((done) => setTimeout(done, PACE))
        this.shown = Math.max(this.shown, this.written.length)
      }
    } catch (error) {
      if (signal.aborted) return
      if (!(error instanceof ApiProblem)) throw error
      this.problem = error
    }
    this.before = []
    this.busy = false
  }
}
