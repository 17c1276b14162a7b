/** Pending deletions of runs: the user can undo each one for a few seconds. */
import { api, ApiProblem, body } from '../lib/api'

const UNDO_MILLISECONDS = 6000

export class Deletions {
  #pending = $state.raw<ReadonlySet<string>>(new Set())
  readonly #timers = new Map<ReturnType<typeof setTimeout>, readonly string[]>()
  problem = $state.raw<ApiProblem>()

  constructor(private readonly onDeleted: () => void) {}

  has(id: string): boolean {
    return this.#pending.has(id)
  }

  begin(ids: readonly string[]): void {
    this.problem = undefined
    this.#pending = new Set([...this.#pending, ...ids])
    const timer = setTimeout(() => void this.#finish(timer), UNDO_MILLISECONDS)
    this.#timers.set(timer, ids)
  }

  undo(ids: readonly string[]): void {
    this.#pending = new Set([...this.#pending].filter((id) => !ids.includes(id)))
  }

  /** Delete all pending runs now, because the user leaves the page. */
  settle(): void {
    for (const timer of [...this.#timers.keys()]) void this.#finish(timer)
  }

  async #finish(timer: ReturnType<typeof setTimeout>): Promise<void> {
    clearTimeout(timer)
    const ids = (this.#timers.get(timer) ?? []).filter((id) => this.#pending.has(id))
    this.#timers.delete(timer)
    if (!ids.length) return
    try {
      const request = api.POST('/v1/jobs/batch-delete', { body: { ids }, keepalive: true })
      const refused = (await body(request)).refused.filter((job) => job.reason !== 'not_found')
      const [first] = refused
      if (first)
        this.problem = new ApiProblem(
          409,
          first.reason,
          refused.length > 1 ? `${refused.length} runs were not deleted` : 'A run was not deleted',
          first.detail,
        )
    } catch (error) {
      if (!(error instanceof ApiProblem)) throw error
      this.problem = error
    }
    this.onDeleted()
    this.undo(ids)
  }
}
