/** An experiment that is followed until its end, with the curves of its first seed. */
import { api, type ApiProblem, asProblem, body, service } from '../lib/api'
import type { JobCurve } from './curves'
import type { Experiment } from './texts'

const FEW_POINTS = 100

export class Live {
  experiment = $state.raw<Experiment>()
  curves = $state.raw<readonly JobCurve[]>([])
  problem = $state.raw<ApiProblem>()

  readonly over = $derived(this.experiment !== undefined && this.experiment.state !== 'running')
  /** The jobs of the first seed. */
  readonly jobs = $derived(
    this.experiment?.jobs.filter((job) => job.seed === this.experiment!.seeds[0]) ?? [],
  )
  /** Epochs at which the curves were loaded, by job. A curve is loaded again only if it has grown. */
  readonly #loaded = new Map<string, number>()

  constructor(readonly id: string) {}

  /** Follow the experiment until the returned function is called. */
  follow(): () => void {
    const abort = new AbortController()
    let loading = false
    const round = async () => {
      if (loading) return
      loading = true
      try {
        let seen: Experiment | undefined
        do {
          seen = this.experiment
          await this.#load(abort.signal)
        } while (seen !== this.experiment)
      } catch (error) {
        if (abort.signal.aborted) return
        this.problem = asProblem(error)
      } finally {
        loading = false
      }
    }
    const show = (experiment: Experiment) => {
      this.experiment = experiment
      this.problem = undefined
      void round()
    }
    const watching = service.watchExperiment(this.id, {
      snapshot: show,
      end: show,
      status: (_, problem) => (this.problem = problem),
    })
    return () => {
      abort.abort()
      watching.close()
    }
  }

  async cancel(): Promise<void> {
    // The stream reports the outcome, which may be newer than the reply.
    await body(api.POST('/v1/experiments/{id}/cancel', { params: { path: { id: this.id } } }))
  }

  async #load(signal: AbortSignal): Promise<void> {
    this.curves = await Promise.all(
      this.jobs.map(async (job): Promise<JobCurve> => {
        const known = this.curves.find((curve) => curve.job === job.job)
        if (job.epoch === 0 || this.#loaded.get(job.id) === job.epoch)
          return known ?? { job: job.job, series: [] }
        const query = { max_points: FEW_POINTS }
        const { series } = await body(
          api.GET('/v1/jobs/{id}/curve', { params: { path: { id: job.id }, query }, signal }),
        )
        this.#loaded.set(job.id, job.epoch)
        return { job: job.job, series }
      }),
    )
  }
}
