/** The origin of an exercise: a preset experiment, an experiment, or a run. */
import { nameOf } from '../job/texts'
import { api, body, type Schemas } from '../lib/api'

export interface Origin {
  title: string
  spec: Schemas['ExperimentSpec']
  /** The page that it comes from. */
  href: string
}

export interface Source {
  preset: string
  experiment: string
  job: string
}

/** The name of the run in an experiment of one. */
export const ONLY = 'network'

export async function originOf(source: Source, signal: AbortSignal): Promise<Origin> {
  const at = (id: string) => ({ params: { path: { id } }, signal })
  if (source.experiment) {
    const spec = await body(api.GET('/v1/experiments/{id}/spec', at(source.experiment)))
    return { title: spec.name ?? 'An exercise', spec, href: `/experiments/${source.experiment}` }
  }
  if (source.job) {
    const job = await body(api.GET('/v1/jobs/{id}', at(source.job)))
    const { name: _, labels: __, ...spec } = job.spec
    return { title: nameOf(job), spec: { jobs: { [ONLY]: spec } }, href: `/jobs/${source.job}` }
  }
  const preset = await body(api.GET('/course/v1/preset-experiments/{id}', at(source.preset)))
  return { title: preset.title, spec: preset.spec, href: '/experiments' }
}

/** Whether one of the jobs has an uploaded data set, which an exercise shares. */
export const sharesData = (jobs: Schemas['ExperimentSpec']['jobs']): boolean =>
  Object.values(jobs).some(({ dataset, validation_dataset }) =>
    [dataset, validation_dataset ?? {}].some((data) => 'id' in data),
  )
