/** A reply of the service that follows its reactive request, like `$derived`. */
import { untrack } from 'svelte'

import { connection } from '../state/connection.svelte'
import { Latest } from './latest'
import { asProblem, type ApiProblem } from './problem'

export interface Computed<O> {
  /** The last reply; kept while a newer request is pending or has failed. */
  readonly value: O | undefined
  readonly problem: ApiProblem | undefined
  readonly pending: boolean
  retry(): void
}

/**
 * `question` reads reactive state and is sent again whenever it changes; `undefined` sends nothing.
 * Call this while a component initializes; it stops with the component. A request that failed because the service
 * did not answer is repeated when it answers again.
 */
export function computed<I, O>(
  question: () => I | undefined,
  fetch: (input: I, signal: AbortSignal) => Promise<O>,
): Computed<O> {
  let value = $state.raw<O>()
  let problem = $state.raw<ApiProblem>()
  let pending = $state(false)
  let tries = $state(0)

  const latest = new Latest<I, O>(fetch, {
    answer(next) {
      value = next
      problem = undefined
    },
    problem(error) {
      problem = asProblem(error)
    },
    pending(waiting) {
      pending = waiting
    },
  })

  $effect(() => {
    void tries
    const input = question()
    untrack(() => (input === undefined ? latest.stop() : latest.ask(input)))
  })
  $effect(() => {
    if (!connection.up) return
    untrack(() => {
      if (problem?.status === 0) tries += 1
    })
  })
  $effect(() => () => latest.stop())

  return {
    get value() {
      return value
    },
    get problem() {
      return problem
    },
    get pending() {
      return pending
    },
    retry() {
      tries += 1
    },
  }
}
