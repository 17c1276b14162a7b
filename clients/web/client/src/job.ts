import { body, type Client } from './client.js'
import type { ApiProblem } from './problem.js'
import type { Schemas } from './types.js'
import {
  watch,
  type Handlers,
  type JobEvents,
  type Status,
  type Watch,
  type WatchOptions,
} from './watch.js'

type Changed = Schemas['ChangeTrainingRequest']
type Predicted = Schemas['PredictRequest']

/** A training job. `data` is the newest state that was read. */
export class Job {
  constructor(
    readonly client: Client,
    public data: Schemas['Job'],
  ) {}

  get id(): string {
    return this.data.id
  }

  /** Whether the training is over, for whatever reason. */
  get isOver(): boolean {
    return ['succeeded', 'failed', 'cancelled'].includes(this.data.state)
  }

  /** Read the job again. */
  async refresh(): Promise<this> {
    this.data = await body(this.client.api.GET('/v1/jobs/{id}', this.#path))
    return this
  }

  /**
   * Follow the training: a snapshot first, then every epoch, change and checkpoint. After a lost
   * connection it continues where it was, without a gap and without a repetition.
   */
  watch(handlers: Handlers<JobEvents>, options?: WatchOptions): Watch {
    return watch(this.client, `/v1/jobs/${this.id}/events`, handlers, options)
  }

  /** Wait until the training is over. Throws an `ApiProblem` if the job cannot be followed. */
  async wait(): Promise<this> {
    await new Promise<void>((resolve, reject) => {
      const status = (now: Status, problem?: ApiProblem) => {
        if (now === 'ended') resolve()
        if (now === 'failed') reject(problem)
      }
      this.watch({ status }, { hidden: true })
    })
    return this.refresh()
  }

  /** Change settings while the job trains, e.g. `{ optimizer: { learning_rate: 0.003 } }`. */
  async change(training: Changed): Promise<Schemas['TrainingChange']> {
    return body(this.client.api.POST('/v1/jobs/{id}/changes', { ...this.#path, body: training }))
  }

  /** Pause the training after its epoch. */
  async pause(): Promise<this> {
    this.data = await body(this.client.api.POST('/v1/jobs/{id}/pause', this.#path))
    return this
  }

  /** Continue a paused training, or train a number of epochs and pause again. */
  async resume(epochs?: number): Promise<this> {
    const request = { ...this.#path, ...(epochs === undefined ? {} : { body: { epochs } }) }
    this.data = await body(this.client.api.POST('/v1/jobs/{id}/resume', request))
    return this
  }

  /** End the training. Its epochs stay. */
  async cancel(): Promise<this> {
    this.data = await body(this.client.api.POST('/v1/jobs/{id}/cancel', this.#path))
    return this
  }

  /** Delete the job and everything that it stored. */
  async delete(): Promise<void> {
    await this.client.api.DELETE('/v1/jobs/{id}', this.#path)
  }

  /** Ask the network about inputs, one row for each sample, at its last or at another stored epoch. */
  async predict(
    inputs: Predicted['inputs'],
    options: Omit<Predicted, 'inputs'> = {},
  ): Promise<Schemas['Prediction']> {
    return body(
      this.client.api.POST('/v1/jobs/{id}/predict', {
        ...this.#path,
        body: { ...options, inputs },
      }),
    )
  }

  /** Read the stored curves, downsampled to at most `max_points` with every extreme. */
  async curve(metrics?: string[], max_points = 500): Promise<Schemas['Curve']> {
    const query = { max_points, ...(metrics && { metrics }) }
    return body(
      this.client.api.GET('/v1/jobs/{id}/curve', {
        params: { ...this.#path.params, query } as never,
      }),
    )
  }

  get #path() {
    return { params: { path: { id: this.id } } }
  }
}
