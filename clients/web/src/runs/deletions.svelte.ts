/** Pending deletions of runs: the user can undo each one for a few seconds. */
import { api, ApiProblem } from '../lib/api'

const UNDO_MILLISECONDS = 6000

export class Deletions {
  #pending = $state.raw<ReadonlyMap<string, ReturnType<typeof setTimeout>>>(new Map())
  problem = $state.raw<ApiProblem>()

  constructor(private readonly onDeleted: () => void) {}

  has(id: string): boolean {
    return this.#pending.has(id)
  }

  begin(id: string): void {
    this.problem = undefined
    const timer = setTimeout(() => void this.#finish(id), UNDO_MILLISECONDS)
    this.#pending = new Map(this.#pending).set(id, timer)
  }

  undo(id: string): void {
    clearTimeout(this.#pending.get(id))
    this.#forget(id)
  }

  /** Delete all pending runs now, because the user leaves the page. */
  settle(): void {
    for (const [id, timer] of this.#pending) {
      clearTimeout(timer)
      void this.#finish(id)
    }
  }

  async #finish(id: string): Promise<void> {
    try {
      await api.DELETE('/v1/jobs/{id}', { params: { path: { id } }, keepalive: true })
    } catch (error) {
      if (!(error instanceof ApiProblem)) throw error
      if (error.status !== 404) this.problem = error
    }
    this.onDeleted()
    this.#forget(id)
  }

  #forget(id: string): void {
    const rest = new Map(this.#pending)
    rest.delete(id)
    this.#pending = rest
  }
}
