/** The rows of the data that a run validates with. */
import { api, body, computed } from '../lib/api'
import type { Session } from './session.svelte'

const MOST = 1000

/** Create this while a component initializes. The service knows them once it has weights of the run. */
export function validationRows(session: Session): { readonly value: ReadonlySet<number> } {
  /** The changes that move rows to other positions, or split them again. */
  const moves = $derived(
    (session.run?.job?.spec.changes ?? []).filter(
      ({ epoch, training: { dataset, samples } }) =>
        epoch < session.run!.epoch &&
        (dataset || samples?.some(({ index, inputs }) => index == null || !inputs)),
    ).length,
  )
  const validates = $derived('validation_loss' in (session.run?.curves ?? {}))
  const key = $derived(
    session.isDrawn && session.run?.weights && session.isCurrent && validates
      ? `${session.run.id} ${moves}`
      : undefined,
  )
  const reply = computed(
    () => key,
    async (key, signal) => {
      const path = { id: key.split(' ')[0]! }
      const query = { split: 'validation' as const, count: MOST }
      const params = { path, query }
      const { samples } = await body(
        api.GET('/v1/jobs/{id}/sample-predictions', { params, signal }),
      )
      return new Set(samples.map(({ index }) => index))
    },
  )
  return {
    get value() {
      return (key && reply.value) || NONE
    },
  }
}

const NONE: ReadonlySet<number> = new Set()
