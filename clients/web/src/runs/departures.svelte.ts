/** Runs that are about to be deleted: for a moment it can be taken back, and then it is done. */
import { api, ApiProblem } from '../lib/api'

const REGRET = 6000

export class Departures {
  #leaving = $state.raw<ReadonlyMap<string, ReturnType<typeof setTimeout>>>(new Map())
  problem = $state.raw<ApiProblem>()

  constructor(private readonly gone: () => void) {}

  has(id: string): boolean {
    return this.#leaving.has(id)
  }

  begin(id: string): void {
    this.problem = undefined
    const timer = setTimeout(() => void this.#finish(id), REGRET)
    this.#leaving = new Map(this.#leaving).set(id, timer)
  }

  takeBack(id: string): void {
    clearTimeout(this.#leaving.get(id))
    this.#forget(id)
  }

  /** Whoever leaves the page has had the time to regret. */
  settle(): void {
    for (const [id, timer] of this.#leaving) {
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
    this.gone()
    this.#forget(id)
  }

  #forget(id: string): void {
    const rest = new Map(this.#leaving)
    rest.delete(id)
    this.#leaving = rest
  }
}
