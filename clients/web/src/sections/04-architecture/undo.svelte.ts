/** Undo history: past and future states. */
export class Undo<T> {
  #past = $state.raw<readonly T[]>([])
  #future = $state.raw<readonly T[]>([])

  get canUndo(): boolean {
    return this.#past.length > 0
  }

  get canRedo(): boolean {
    return this.#future.length > 0
  }

  /** Record a change from the state `before`. */
  did(before: T): void {
    this.#past = [...this.#past, before]
    this.#future = []
  }

  undo(now: T): T {
    const before = this.#past.at(-1)
    if (before === undefined) return now
    this.#past = this.#past.slice(0, -1)
    this.#future = [...this.#future, now]
    return before
  }

  redo(now: T): T {
    const after = this.#future.at(-1)
    if (after === undefined) return now
    this.#future = this.#future.slice(0, -1)
    this.#past = [...this.#past, now]
    return after
  }
}
