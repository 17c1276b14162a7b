/** Sends changes to a run that trains: one request at a time, and of those that wait the last. */
import { ApiProblem, type Schemas } from '../lib/api'
import { joined } from './changes'
import type { Run } from './run.svelte'

type Changed = Schemas['ChangeTrainingRequest']

/** Between two requests of a slider that is dragged, in milliseconds. */
const PAUSE = 60

export class Steering {
  problem = $state.raw<ApiProblem>()
  #next: Changed | undefined
  #sending = false

  constructor(private readonly run: Run) {}

  async send(fields: Changed): Promise<void> {
    this.#next = this.#next ? joined(this.#next, fields) : fields
    if (this.#sending) return
    this.#sending = true
    this.problem = undefined
    try {
      while (this.#next) {
        const sent = this.#next
        this.#next = undefined
        await this.run.change(sent)
        await new Promise((resolve) => setTimeout(resolve, PAUSE))
      }
    } catch (error) {
      this.#next = undefined
      if (!(error instanceof ApiProblem)) throw error
      this.problem = error
    } finally {
      this.#sending = false
    }
  }
}
