/** A text that appears token by token; it starts over if its request changes. */
import { ApiProblem } from '../lib/api'
import { motion } from '../lib/state/theme.svelte'
import type { Ask, Question, Step } from './write'

/** Milliseconds per new token, so that the user can follow. */
const PACE = 60

export class Writer {
  written = $state.raw<readonly Step[]>([])
  /** The tokens of the prompt. */
  prompt = $state.raw<readonly string[]>([])
  /** More samples for the same prompt, which appear at once. */
  others = $state.raw<readonly (readonly Step[])[]>([])
  /** The previous text, shown while the new one is shorter. */
  before = $state.raw<readonly Step[]>([])
  /** The next sampled token. */
  coming = $state.raw<Step>()
  problem = $state.raw<ApiProblem>()
  busy = $state(false)

  #question = ''

  /** Texts up to the length of `shown` appear at once, because the user has seen them. */
  constructor(
    private readonly ask: Ask,
    private shown: number,
  ) {}

  /** Write until the text has `length` tokens, or ends; cut a longer one. */
  async write(
    question: Question,
    length: number,
    count: number,
    signal: AbortSignal,
  ): Promise<void> {
    const request = JSON.stringify(question)
    if (request !== this.#question) {
      this.before = this.written
      this.written = []
      this.others = []
      this.prompt = []
    }
    this.#question = request
    this.problem = undefined
    this.busy = true
    this.written = this.written.slice(0, length)
    try {
      const { prompt, samples } = await this.ask({ question, tokens: length + 1, count }, signal)
      const steps = samples[0] ?? []
      this.prompt = prompt
      this.others = samples.slice(1).map((sample) => sample.slice(0, length))
      const end = Math.min(length, steps.length)
      while (!signal.aborted && this.written.length < end) {
        this.coming = steps[this.written.length + 1]
        this.written = steps.slice(0, this.written.length + 1)
        if (this.written.length > this.shown && !motion.reduced)
          await new Promise((done) => setTimeout(done, PACE))
        this.shown = Math.max(this.shown, this.written.length)
      }
      if (signal.aborted) return
      this.coming = steps[end]
    } catch (error) {
      if (signal.aborted) return
      if (!(error instanceof ApiProblem)) throw error
      this.problem = error
    }
    this.before = []
    this.busy = false
  }
}
