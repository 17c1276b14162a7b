/** A run that is made from another one: it says so, and one is taken to it. */
import { api, body, type Schemas } from '../lib/api'
import { navigate } from '../lib/state/route.svelte'

type Spec = Schemas['TrainingSpec']

/** Trains `spec`, and shows it beside the run `from` that it was made from. Throws what the service says. */
export async function again(spec: Spec, from: string): Promise<void> {
  const job = await body(
    api.POST('/v1/jobs', { body: { ...spec, labels: { ...spec.labels, rerun_of: from } } }),
  )
  navigate(`/jobs/${job.id}?job.with=${from}`)
}

/** The weights of `epoch` go on with other settings: a fork, whose optimizer begins anew. */
export async function fork(
  spec: Spec,
  from: string,
  epoch: number,
  rate: number,
  epochs: number,
): Promise<void> {
  const { rerun_of: _, ...labels } = spec.labels ?? {}
  const optimizer = { ...(spec.optimizer ?? { type: 'adam' }), learning_rate: rate } as NonNullable<
    Spec['optimizer']
  >
  const name = spec.name
    ? `${spec.name.replace(/, from epoch \d+$/, '').slice(0, 80)}, from epoch ${epoch}`
    : null
  const job = await body(
    api.POST('/v1/jobs', {
      body: { ...spec, name, labels, optimizer, epochs, initial_weights: { job: from, epoch } },
    }),
  )
  navigate(`/jobs/${job.id}?job.with=${from}`)
}
