/** A text while it is written: it grows token by token, and begins anew where its question changes. */
import { ApiProblem } from '../lib/api/problem'
import { motion } from '../lib/state/theme.svelte'
import { grow, type Ask, type Question, type Written } from './write'

/** Milliseconds for a token that is seen for the first time, so that it can be watched. */
const PACE = 60

export class Writer {
  written = $state.raw<readonly Written[]>([])
  /** The text that stood here before, while the new one is shorter. */
  before = $state.raw<readonly Written[]>([])
  /** Probabilities of the token that would come next. */
  coming = $state.raw<readonly number[]>()
  problem = $state.raw<ApiProblem>()
  busy = $state(false)

  #question = ''

  /** Texts up to the length of `shown` are not paced: they only come back. */
  constructor(
    private readonly ask: Ask,
    private shown: number,
  ) {}

  /** Goes on until the text has `length` tokens; one that is longer is cut. */
  async write(question: Question, length: number, signal: AbortSignal): Promise<void> {
    const asked = JSON.stringify(question)
    if (asked !== this.#question) {
      this.before = this.written
      this.written = []
    }
    this.#question = asked
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
