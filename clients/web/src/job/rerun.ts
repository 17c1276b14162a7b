/** Reruns and forks: create a run from another one and open it. */
import { api, type Schemas, body } from '../lib/api'
import { navigate } from '../lib/state/route.svelte'

type Spec = Schemas['TrainingSpec']

/** The owner whom a rerun of the job needs: the job's owner, if its spec names data of that owner. */
export function ownerOfParts({ owner, spec }: Schemas['Job']): string | undefined {
  const parts = [spec.dataset, spec.validation_dataset ?? {}, spec.network]
  const weights = spec.initial_weights ?? spec.rollouts?.reward.type === 'job'
  return weights || parts.some((part) => 'id' in part) ? owner : undefined
}

/** Create a run with `spec` and open it, compared with the run `from`. Throws `ApiProblem`. */
export async function rerun(spec: Spec, from: string): Promise<void> {
  const job = await body(
    api.POST('/v1/jobs', { body: { ...spec, labels: { ...spec.labels, rerun_of: from } } }),
  )
  navigate(`/jobs/${job.id}?job.with=${from}`)
}

/** The name of a fork, as far as its parent has one. */
export function forkName(spec: Spec, epoch: number): string | null {
  const name = spec.name?.replace(/, from epoch \d+$/, '').slice(0, 80)
  return name ? `${name}, from epoch ${epoch}` : null
}

/** Create a run that starts from the weights of `epoch`, with a fresh optimizer state. */
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
  const name = forkName(spec, epoch)
  const job = await body(
    api.POST('/v1/jobs', {
      body: { ...spec, name, labels, optimizer, epochs, initial_weights: { job: from, epoch } },
    }),
  )
  navigate(`/jobs/${job.id}?job.with=${from}`)
}
