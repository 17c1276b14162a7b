/** Live state of one run: a snapshot, updated by its event stream. */
import {
  body,
  service as ofPage,
  toNumber,
  watch,
  type ApiProblem,
  type Handlers,
  type JobEvents,
  type Query,
  type Schemas,
  type Status,
} from '../lib/api'
import type { Client } from '@epochal/client'
import { computes, type Network } from '../bench/forward'
import { isStored, storedEpochs } from '../lib/api/stored'
import { curvesOf, extend, rejoin, spread, upTo, type Curves } from './columns'
import { isOver, type State } from './texts'

type Job = Schemas['Job']

export const STATISTICS = [
  'norm',
  'update_ratio',
  'activation_std',
  'activation_mean',
  'saturated_fraction',
  'dead_fraction',
  'weight_norm',
  'zero_fraction',
] as const
export type Statistic = (typeof STATISTICS)[number]

/** Statistics of one layer, one value per epoch of `Flow.epochs`. */
export type FlowLayer = { name: string } & Record<Statistic, readonly number[]>
export interface Flow {
  epochs: readonly number[]
  layers: readonly FlowLayer[]
}

/** Curves with more points than this are requested again from the service, downsampled. */
const MOST_POINTS = 2500
const PAGE = 1000
/** Points of a downsampled curve, also in a snapshot. */
const FEW_POINTS = 500
/** Gradient snapshots of a run with more than a page of them: about two for each column. */
const MOST_SNAPSHOTS = 320

export class Run {
  job = $state.raw<Job>()
  state = $state.raw<State>()
  status = $state<Status>('connecting')
  problem = $state.raw<ApiProblem>()
  curves = $state.raw<Curves>({})
  flow = $state.raw<Flow>({ epochs: [], layers: [] })
  worker = $state<string>()
  /** The newest weights of a small network, with their epoch, if they are watched. */
  weights = $state.raw<Schemas['Parameters']>()
  /** Whether the list of epochs stored before the connection is complete. */
  settled = $state(false)

  #known = $state.raw<readonly number[]>([])
  #listed = $state(false)
  /** Epochs with stored weights, in order; empty until the earlier ones are loaded as well. */
  readonly stored = $derived(this.#listed ? this.#known : [])

  readonly epoch = $derived(
    Math.max(this.job?.epoch ?? 0, this.curves['train_loss']?.x.at(-1) ?? 0),
  )
  readonly over = $derived(isOver(this.state))

  /** Whether checkpoints are deleted while the run trains. */
  readonly #thins = $derived(
    this.job?.spec.snapshots?.thin_weights_after != null || Boolean(this.job?.spec.pace),
  )
  #listing = false
  /** The newest epoch with weights that the stream has announced. */
  #announced = 0
  #outdated = false

  #thinning = false
  /** The part of `curves` that the service has downsampled: the points up to `closed_epoch`. */
  #downsampled?: Pick<Schemas['Curve'], 'epochs_per_bucket' | 'closed_epoch'>
  /** Events that are received but not drawn yet. */
  #came: (() => void)[] = []
  #drawing = false
  #abort = new AbortController()

  constructor(
    readonly id: string,
    /**
     * Watch the newest weights of a small network: `too` if it can be drawn from them, or `only` them, in
     * place of its stored epochs and gradients.
     */
    private readonly parameters: 'no' | 'too' | 'only' = 'no',
    readonly service: Client = ofPage,
  ) {}

  /** Follow the run until the returned function is called. */
  follow(): () => void {
    if (isStored(this.id)) {
      void this.#open()
      return () => this.#abort.abort()
    }
    const begin = (parameters: boolean, after?: number) =>
      watch<JobEvents>(this.service, `/v1/jobs/${this.id}/events`, handlers, {
        parameters,
        ...(after === undefined ? {} : { after }),
      })
    const handlers: Handlers<JobEvents> = {
      snapshot: ({ job, curve }, seq) => {
        this.#came = []
        this.job = job
        this.state = job.state ?? undefined
        this.curves = rejoin(curvesOf(curve.series), {})
        this.#downsampled = curve
        if (this.parameters !== 'only') void this.#catchUp(job)
        if (this.parameters !== 'too' || isOver(this.state) || !isComputed(job)) return
        watching.close()
        watching = begin(true, seq)
      },
      state: (event) => {
        this.#take()
        this.state = event.state
        this.worker = event.worker ?? this.worker
        void this.refresh()
      },
      epochs: (event) => {
        // The baselines come with the first epochs, in the job.
        if (this.job && !this.job.baselines && event.first_epoch === 1) void this.refresh()
        this.#soon(() => this.#grow(event))
      },
      checkpoint: (event) => {
        if (this.parameters === 'only') return
        this.#announced = Math.max(this.#announced, ...event.epochs)
        if (this.#thins) void this.#listAgain()
        else this.#soon(() => this.#store(event.epochs))
      },
      change: (event, seq) => this.#changed(event, seq),
      parameters: (event) => this.#soon(() => (this.weights = event)),
      end: (event) => {
        this.#take()
        this.state = event.state
        if (this.parameters !== 'only') void this.#listAgain()
        void this.refresh()
      },
      status: (now, why) => {
        this.status = now
        this.problem = why
      },
    }
    let watching = begin(this.parameters === 'only')
    return () => {
      watching.close()
      this.#abort.abort()
    }
  }

  /** Show a run of stored replies, which is over. */
  async #open(): Promise<void> {
    await this.refresh()
    const curve = await this.#fewPoints()
    this.curves = curvesOf(curve.series)
    this.state = this.job?.state ?? undefined
    this.#listed = true
    this.#store(storedEpochs(this.id))
    this.settled = true
  }

  /** Reload the job for its times and its final state. */
  async refresh(): Promise<void> {
    try {
      this.#put(
        await body(
          this.service.api.GET('/v1/jobs/{id}', {
            params: { path: { id: this.id } },
            signal: this.#abort.signal,
          }),
        ),
      )
    } catch {
      // The stream reports connection problems; this request only adds details.
    }
  }

  async act(action: 'pause' | 'resume' | 'cancel'): Promise<void> {
    const params = { path: { id: this.id } }
    if (action === 'pause')
      this.#put(await body(this.service.api.POST('/v1/jobs/{id}/pause', { params })))
    else if (action === 'resume')
      this.#put(await body(this.service.api.POST('/v1/jobs/{id}/resume', { params })))
    else this.#put(await body(this.service.api.POST('/v1/jobs/{id}/cancel', { params })))
  }

  /** Change the settings after the epoch that is being trained. Throws `ApiProblem`. */
  async change(fields: Schemas['ChangeTrainingRequest']): Promise<void> {
    const params = { path: { id: this.id } }
    await body(this.service.api.POST('/v1/jobs/{id}/changes', { params, body: fields }))
    // The stream has the change. The pace is none.
    const { job } = this
    if (job && fields.pace != null) this.job = { ...job, spec: { ...job.spec, pace: fields.pace } }
  }

  /** Add a change to the settings; one at the same place has joined it. */
  #changed({ epoch, step, training }: Schemas['TrainingChange'], seq: number): void {
    if (!this.job || epoch == null) return
    const { spec } = this.job
    const others = (spec.changes ?? []).filter((c) => c.epoch !== epoch || c.step !== (step ?? 0))
    const changes = [...others, { epoch, step: step ?? 0, training }]
    this.job = { ...this.job, seq, spec: { ...spec, changes } }
  }

  /** Give the run another name; an empty one removes it. */
  async rename(name: string): Promise<void> {
    const params = { path: { id: this.id } }
    this.#put(await body(this.service.api.PATCH('/v1/jobs/{id}', { params, body: { name } })))
  }

  /** Pause as long as the last drawing took, so that a slow machine stays responsive. */
  #soon(change: () => void): void {
    this.#came.push(change)
    if (!this.#drawing) void this.#draw()
  }

  async #draw(): Promise<void> {
    this.#drawing = true
    while (this.#came.length) {
      const begun = performance.now()
      this.#take()
      await pause(0)
      await pause(performance.now() - begun)
    }
    this.#drawing = false
  }

  #take(): void {
    for (const change of this.#came.splice(0)) change()
  }

  #put(job: Job): void {
    // Events received since the request are newer than the reply.
    if (this.job && job.seq < this.job.seq) return
    // The state comes from the stream only, after the epochs before it.
    this.job = job
  }

  #grow({ epochs, columns, gradients }: Schemas['EpochBatch']): void {
    const curves = { ...this.curves }
    for (const [metric, values] of Object.entries(columns))
      curves[metric] = extend(curves[metric], epochs, values)
    this.curves = curves
    if (gradients && this.parameters !== 'only') this.#flowOn(gradients.epochs, gradients.layers)
    if ((curves['train_loss']?.x.length ?? 0) > MOST_POINTS) void this.#thin()
  }

  async #thin(): Promise<void> {
    if (this.#thinning) return
    this.#thinning = true
    try {
      const known = this.#downsampled
      let curve = await this.#fewPoints(known?.closed_epoch)
      let whole = rejoin(upTo(this.curves, known?.closed_epoch ?? 0), curvesOf(curve.series))
      if (known && curve.epochs_per_bucket !== known.epochs_per_bucket) {
        curve = await this.#fewPoints()
        whole = curvesOf(curve.series)
      }
      this.#downsampled = curve
      this.curves = rejoin(whole, this.curves)
    } catch {
      // The longer curve is correct too; the next event tries again.
    } finally {
      this.#thinning = false
    }
  }

  #fewPoints(after_epoch = 0): Promise<Schemas['Curve']> {
    return body(
      this.service.api.GET('/v1/jobs/{id}/curve', {
        params: { path: { id: this.id }, query: { max_points: FEW_POINTS, after_epoch } },
        signal: this.#abort.signal,
      }),
    )
  }

  #store(epochs: readonly number[]): void {
    this.#known = [...new Set([...this.#known, ...epochs])].sort((a, b) => a - b)
  }

  #flowOn(epochs: readonly number[], layers: readonly Schemas['GradientColumns'][]): void {
    const last = this.flow.epochs.at(-1) ?? -1
    const first = epochs.findIndex((epoch) => epoch > last)
    if (first < 0) return
    const names = this.flow.layers.length
      ? this.flow.layers.map((layer) => layer.name)
      : layers.map((layer) => layer.name)
    const grown = {
      epochs: [...this.flow.epochs, ...epochs.slice(first)],
      layers: names.map((name, i) => {
        const before = this.flow.layers[i]
        const now = layers.find((layer) => layer.name === name)
        const all = STATISTICS.map((statistic) => [
          statistic,
          [...(before?.[statistic] ?? []), ...(now?.[statistic] ?? []).slice(first).map(toNumber)],
        ])
        return { name, ...Object.fromEntries(all) } as FlowLayer
      }),
    }
    this.flow = grown.epochs.length > MOST_POINTS ? thinner(grown) : grown
  }

  async #catchUp(job: Job): Promise<void> {
    try {
      await Promise.all([this.#listStored(), this.#listFlow(job)])
      this.settled = true
    } catch {
      // The run is deleted or the service is away; the stream reports which.
    }
  }

  /** List the checkpoints of a run that thins them, and once more if some came meanwhile. */
  async #listAgain(): Promise<void> {
    this.#outdated = true
    if (this.#listing) return
    this.#listing = true
    try {
      while (this.#outdated) {
        this.#outdated = false
        await this.#listStored()
      }
    } catch {
      // The next event tries again.
    } finally {
      this.#listing = false
    }
  }

  async #listStored(): Promise<void> {
    const listed: number[] = []
    let after: number | null | undefined
    try {
      do {
        const query: Query<'list_checkpoints'> = {
          page_size: PAGE,
          ...(after == null ? {} : { after_epoch: after }),
        }
        const page = await body(
          this.service.api.GET('/v1/jobs/{id}/checkpoints', {
            params: { path: { id: this.id }, query },
            signal: this.#abort.signal,
          }),
        )
        listed.push(...page.checkpoints.map((checkpoint) => checkpoint.epoch))
        after = page.next_after_epoch
      } while (after != null)
      if (this.#thins) this.#known = []
    } finally {
      this.#store(this.#lasting(listed))
      this.#listed = true
    }
  }

  /** The epochs that are not about to be deleted: the newest one is replaced while a run trains. */
  #lasting(epochs: readonly number[]): readonly number[] {
    if (this.state !== 'running') return epochs
    return epochs.filter((epoch, i) => epoch <= this.#announced || i < epochs.length - 1)
  }

  async #listFlow(job: Job): Promise<void> {
    const every = job.spec.snapshots?.gradients_every ?? 1
    if (every === 0) return
    const { snapshots } = await body(
      this.service.api.GET('/v1/jobs/{id}/gradients', {
        params: {
          path: { id: this.id },
          query: { max_points: job.epoch / every <= PAGE ? PAGE : MOST_SNAPSHOTS },
        },
        signal: this.#abort.signal,
      }),
    )
    const live = this.flow
    this.flow = { epochs: [], layers: [] }
    const columns = (snapshots[0]?.layers ?? []).map((layer, i) => ({
      ...layer,
      ...Object.fromEntries(
        STATISTICS.map((statistic) => [
          statistic,
          snapshots.map((snapshot) => snapshot.layers[i]![statistic]),
        ]),
      ),
    }))
    this.#flowOn(
      snapshots.map((snapshot) => snapshot.epoch),
      columns as unknown as Schemas['GradientColumns'][],
    )
    this.#flowOn(live.epochs, live.layers as unknown as Schemas['GradientColumns'][])
  }
}

const isComputed = ({ spec: { network } }: Job) =>
  'layers' in network && computes(network as Network)

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

/** Drop half of the columns of a long run. */
function thinner(flow: Flow): Flow {
  const remaining = spread([...flow.epochs.keys()], Math.ceil(MOST_POINTS / 2))
  return {
    epochs: remaining.map((i) => flow.epochs[i]!),
    layers: flow.layers.map((layer) => ({
      name: layer.name,
      ...(Object.fromEntries(
        STATISTICS.map((statistic) => [statistic, remaining.map((i) => layer[statistic][i]!)]),
      ) as Record<Statistic, number[]>),
    })),
  }
}
