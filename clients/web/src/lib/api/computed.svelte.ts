/** A reply of the service that follows its reactive request, like `$derived`. */
import { untrack } from 'svelte'

import { connection } from '../state/connection.svelte'
import { Latest } from './latest'
import { asProblem, type ApiProblem } from '@epochal/client'

export interface Computed<O> {
  /** The last reply, also while a newer request is pending or has failed; or a draft of the next. */
  readonly value: O | undefined
  readonly problem: ApiProblem | undefined
  readonly pending: boolean
  retry(): void
}

/**
 * `question` reads reactive state and is sent again whenever it changes; `undefined` sends nothing.
 * Call this while a component initializes; it stops with the component. A request that failed because the service
 * did not answer is repeated when it answers again.
 *
 * `draft` makes of the last reply what the next one will be, for formulas of a few lines: it is shown at
 * once, until the reply arrives and replaces it.
 */
export function computed<I, O>(
  question: () => I | undefined,
  fetch: (input: I, signal: AbortSignal) => Promise<O>,
  draft?: (last: O, input: I) => O,
): Computed<O> {
  let value = $state.raw<O>()
  let drafted = $state.raw<O>()
  let latestInput: I | undefined
  let problem = $state.raw<ApiProblem>()
  let pending = $state(false)
  let tries = $state(0)

  const latest = new Latest<I, O>(fetch, {
    answer(next, input) {
      value = next
      // A reply to an earlier request does not move a slider back.
      drafted = input === latestInput ? undefined : drafted
      problem = undefined
    },
    problem(error) {
      drafted = undefined
      problem = asProblem(error)
    },
    pending(waiting) {
      pending = waiting
    },
  })

  $effect(() => {
    void tries
    const input = question()
    untrack(() => {
      latestInput = input
      if (input === undefined) return latest.stop()
      if (value !== undefined) drafted = draft?.(value, input)
      latest.ask(input)
    })
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
      return drafted ?? value
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
