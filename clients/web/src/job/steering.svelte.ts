/** Sends changes to a run that trains: one request at a time, and of those that wait the last. */
import { ApiProblem, type Schemas } from '../lib/api'
import { joined } from './changes'
import type { Run } from './run.svelte'

type Changed = Schemas['ChangeTrainingRequest']
type OnRefused = (problem: ApiProblem) => void
interface Waiting {
  fields: Changed
  onrefused: OnRefused | undefined
}

/** Between two requests of a slider that is dragged, in milliseconds. */
const PAUSE = 60

export class Steering {
  problem = $state.raw<ApiProblem>()
  #next: Waiting | undefined
  #sending = false

  constructor(private readonly run: Run) {}

  /** Of the changes that are refused or no longer sent, `onrefused` of the first one is called. */
  async send(fields: Changed, onrefused?: OnRefused): Promise<void> {
    const next = this.#next
    this.#next = next
      ? { fields: joined(next.fields, fields), onrefused: next.onrefused ?? onrefused }
      : { fields, onrefused }
    if (this.#sending) return
    this.#sending = true
    this.problem = undefined
    let sent: Waiting | undefined
    try {
      while (this.#next) {
        sent = this.#next
        this.#next = undefined
        await this.run.change(sent.fields)
        await new Promise((resolve) => setTimeout(resolve, PAUSE))
      }
    } catch (error) {
      const refused = sent?.onrefused ?? this.#next?.onrefused
      this.#next = undefined
      if (!(error instanceof ApiProblem)) throw error
      this.problem = error
      refused?.(error)
    } finally {
      this.#sending = false
    }
  }
}
