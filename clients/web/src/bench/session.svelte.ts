/**
 * The run on the bench: how the settings of the lab reach it, and the runs that it replaced.
 *
 * Settings that a run can change go to it while it trains. Others need another run, which starts at
 * once if one is training; the former waits as a ghost, and undo goes back to it.
 */
import { untrack } from 'svelte'

import { changeBetween, repeated, specAfter } from '../job/changes'
import { ids } from '../job/compare'
import { Run } from '../job/run.svelte'
import { Steering } from '../job/steering.svelte'
import { api, ApiProblem, body, computed, type Schemas } from '../lib/api'
import { dotsOf, viewOf } from '../lab/picture'
import { number, text, urlState } from '../lib/state/url.svelte'
import { initialRate } from '../lab/fields'
import type { Lab } from '../lab/lab.svelte'
import { computes, type Network, type Parameters } from './forward'
import { isResized } from './layers'
import { compact, isSame, labLink, normalized, type Layer, type Spec } from '../lab/spec'
import { dataWith, type Point } from './points'
import { unpacked } from './unpacked'

type Changed = Schemas['ChangeTrainingRequest']
type WeightChange = NonNullable<Changed['weights']>[number]
type Start = Spec['initial_weights']

/** A network with its weights, which are unknown before the first epoch. */
interface Picture {
  network: Network
  parameters: Parameters | undefined
}

export const MOST_GHOSTS = 5
/** Settings that need another run rest so long before it starts, in milliseconds. */
const REST = 150
/** A speed that the reader has not chosen. */
const USUAL = -1
/** Epochs per second at which a run on points can be watched. */
const WATCHED = 30
/** The time in which a run repeats the epochs of another one, and the highest speed. */
const REPEATED_SECONDS = 0.7
const REPEATING = 1000
/** Epochs per second of a run that is about to pause: none after its first one. */
const SLOWEST = 0.001

/** A job that is no longer about to pause. */
async function settled(id: string): Promise<Schemas['Job']> {
  let job: Schemas['Job']
  do job = await body(api.GET('/v1/jobs/{id}', { params: { path: { id } } }))
  while (job.state === 'pausing')
  return job
}

/** Create this while a component initializes; it follows the address until the component ends. */
export class Session {
  readonly #url = urlState('lab', {
    job: text(),
    with: text(),
    pace: number(USUAL, [USUAL, REPEATING]),
  })
  run = $state.raw<Run>()
  busy = $state(false)
  refusal = $state.raw<ApiProblem>()
  #steering = $state.raw<Steering>()

  /** The points of generated data that were edited. */
  #points: Schemas['InlineDataset'] | undefined
  /** The settings that each run has, as the lab writes them. */
  #specs = $state.raw<Readonly<Record<string, Spec>>>({})
  readonly #applied = $derived.by(() => this.run && this.#specs[this.run.id])
  /** Settings before each change of the run, with the number of its changes then. */
  #before: { spec: Spec; changes: number }[] = []
  /** Runs that trained when others replaced them. */
  readonly #interrupted = new Set<string>()
  /** The next settings are older than a change, so that the run goes back to them. */
  #goesBack = false
  /** A run that repeats another one up to this epoch, and its speed after it. */
  #repeats: { job: string; epoch: number; pauses: boolean } | undefined

  readonly ghosts = $derived(
    ids(this.#url.with)
      .filter((id) => id !== this.#url.job)
      .slice(0, MOST_GHOSTS),
  )
  readonly comparison = computed(
    () => {
      // While another run begins, there may be one that it replaced and nothing to compare it with.
      const jobs = [...(this.#url.job ? [this.#url.job] : []), ...this.ghosts]
      return this.ghosts.length && jobs.length > 1 ? jobs : undefined
    },
    (jobs, signal) => {
      const query = { jobs, metrics: ['train_loss', 'validation_loss'] as never, max_points: 300 }
      return body(api.GET('/v1/comparison', { params: { query }, signal }))
    },
  )

  /** Whether the page draws the units of the network at every epoch. */
  readonly isDrawn = $derived.by(() => {
    const { data, spec } = this.lab
    const look = data.value
    return (
      'layers' in spec.network &&
      computes(spec.network) &&
      (!look || ['points', 'curve'].includes(viewOf(look)))
    )
  })

  /** Runs that are shown once their weights have arrived, and the picture until then. */
  readonly #arriving = new Set<string>()
  #drawn: Picture | undefined

  /** The network that is drawn: while a run with other units is being started, the former network. */
  readonly picture = $derived.by((): Picture | undefined => {
    const { run, lab } = this
    if (!('layers' in lab.spec.network)) return undefined
    const network = lab.spec.network as Network
    const parameters = run?.weights && this.isCurrent ? unpacked(run.weights) : undefined
    const waits = this.#isResized || (run && this.#arriving.has(run.id) && !run.weights)
    if (parameters || !waits || !this.#drawn) this.#drawn = { network, parameters }
    return this.#drawn
  })

  /** Whether the run can continue with the layers and units of the lab. */
  readonly #isResized = $derived.by(
    () => !!this.run?.epoch && !!this.#applied && this.#resizes(this.#applied, this.lab.spec),
  )

  readonly problem = $derived(this.refusal ?? this.#steering?.problem)
  readonly running = $derived(
    this.run !== undefined && ['queued', 'waiting', 'running'].includes(this.run.state ?? 'queued'),
  )
  constructor(readonly lab: Lab) {
    const opened = new URLSearchParams(location.search)
    if (opened.has('lab.spec')) this.#take(this.#url.job, lab.spec)
    $effect(() => {
      const [id, { isDrawn }] = [this.#url.job, this]
      return untrack(() => this.#follow(id, isDrawn))
    })
    $effect(() => {
      const { spec } = lab
      const waits = lab.awaitsSuggestion || lab.readingFile || lab.check.pending
      const isWrong = Boolean(lab.check.problem && !lab.check.problem.passing)
      if (!this.busy) return untrack(() => this.#reach(spec, waits || isWrong))
    })
    $effect(() => {
      const { run } = this
      if (run?.job && !this.#applied) untrack(() => this.#adopt(run.id, run.job!.spec))
      if (run && this.#repeats?.job === run.id && run.epoch >= this.#repeats.epoch)
        untrack(() => this.#repeated(run))
    })
  }

  #follow(id: string, isDrawn: boolean): (() => void) | undefined {
    this.run = id ? new Run(id, isDrawn ? 'only' : 'no') : undefined
    this.#steering = this.run && new Steering(this.run)
    return this.run?.follow()
  }

  /** Whether the run can have the settings of the lab, so that its weights belong to this network. */
  readonly isCurrent = $derived.by(() => {
    const applied = this.#applied
    return !!this.run && !!applied && this.#between(applied, this.lab.spec) !== undefined
  })

  /** The settings of a run of this visit. */
  specOf(id: string): Spec | undefined {
    return this.#specs[id]
  }

  /** Epochs per second; 0 is as fast as possible. */
  get pace(): number {
    return this.#url.pace === USUAL ? (this.isDrawn ? WATCHED : 0) : this.#url.pace
  }
  set pace(pace: number) {
    this.#url.pace = pace
    if (this.run && !this.run.over) void this.#steering?.send({ pace })
  }

  /** Change settings that a run can change while it trains. */
  change(fields: Changed): void {
    const { optimizer, ...others } = fields
    const spec: Spec = { ...this.lab.spec, ...(others as Partial<Spec>) }
    if (optimizer) {
      const type = optimizer.type ?? spec.optimizer?.type ?? 'adam'
      const stays = type === (spec.optimizer?.type ?? 'adam')
      const usual = stays ? spec.optimizer : { learning_rate: initialRate(type) }
      spec.optimizer = { ...usual, ...optimizer, type } as NonNullable<Spec['optimizer']>
    }
    this.lab.put(spec, Object.keys(fields).join())
  }

  /** Change the layers; a run continues with the weights that fit, and so does one that is about to start. */
  resize(layers: readonly Layer[], what: string): void {
    const { spec } = this.lab
    const network = { ...spec.network, layers } as Spec['network']
    const start = this.run || !spec.initial_weights?.job ? undefined : spec.initial_weights
    const initial_weights = start && { ...start, layers: null, resize: true }
    this.lab.put({ ...spec, network, initial_weights }, what)
  }

  /** Edit the points of the data: `samples` replace the points that the page shows. */
  editPoints(samples: readonly Point[]): void {
    const { spec, data } = this.lab
    if (!('inputs' in spec.dataset))
      this.#points = dataWith(dotsOf(data.value!, 'points'), data.value!, spec)
    this.lab.put({ ...spec, dataset: dataWith(samples, data.value!, spec) }, 'points')
  }

  #between(before: Spec, after: Spec): Changed | undefined {
    return changeBetween(before, after, 'name' in before.dataset ? this.#points : undefined)
  }

  #resizes(before: Spec, after: Spec): boolean {
    return this.#between(before, after) === undefined && isResized(before, after)
  }

  /** Set a weight by hand, which the next epoch begins with; undefined if no run can take it. */
  readonly setWeight = $derived.by(() =>
    this.run && !this.run.over && this.isCurrent
      ? (weight: WeightChange) => void this.#steering?.send({ weights: [weight] })
      : undefined,
  )

  /** Bring new settings to the run, if it trains with others. */
  #reach(spec: Spec, waits: boolean): (() => void) | undefined {
    const goesBack = this.#goesBack
    this.#goesBack = false
    const { run } = this
    const ghost = this.ghosts.find((id) => isSame(this.#specs[id], spec))
    if (!run && ghost && goesBack) void this.#attempt(() => this.#back(ghost))
    if (!run || !this.#applied || isSame(spec, this.#applied)) return
    if (goesBack && !run.over && this.#takesBack(run, spec)) return
    const change = this.#between(this.#applied, spec)
    if (change && Object.keys(change).length === 0) this.#take(run.id, spec)
    else if (change && !run.over) this.#send(run, spec, change)
    else if (!change && !waits) {
      const replace = () => (ghost ? this.#back(ghost) : this.#replace(run, spec))
      const timer = setTimeout(() => void this.#attempt(replace), REST)
      return () => clearTimeout(timer)
    }
  }

  /** Go back to before a change: to a run that repeats this one without it. */
  #takesBack(run: Run, spec: Spec): boolean {
    const mark = this.#before.findIndex((before) => isSame(before.spec, spec))
    if (mark < 0 || !run.job) return false
    const changes = (run.job.spec.changes ?? []).slice(0, this.#before[mark]!.changes)
    const epoch = run.job.spec.changes?.[changes.length]?.epoch
    this.#before = this.#before.slice(0, mark)
    if (epoch === undefined) return false
    void this.#attempt(() => this.#repeat(run, { ...run.job!.spec, changes }, epoch, spec))
    return true
  }

  #send(run: Run, spec: Spec, change: Changed): void {
    const before = { spec: this.#applied!, changes: run.job?.spec.changes?.length ?? 0 }
    this.#before.push(before)
    this.#take(run.id, spec)
    void this.#steering?.send(change, ({ reason }) => {
      this.#before = this.#before.slice(0, this.#before.indexOf(before))
      this.#take(run.id, before.spec)
      // The next run can have the settings that came after the end of this one.
      if (run === this.run && reason !== 'job_state') this.lab.retract(before.spec)
    })
  }

  /** Start another run in place of this one, if it trains, or continues with its weights. */
  async #replace(run: Run, spec: Spec): Promise<void> {
    const { running } = this
    const continues = run.epoch > 0 && this.#resizes(this.#applied!, spec)
    await this.#leave(run)
    if (continues) {
      const job = await settled(run.id)
      const epoch = (job.state !== 'paused' && run.weights?.epoch) || job.epoch
      const start = { job: run.id, epoch, resize: true }
      await (running ? this.#start(spec, { start }) : this.#startPaused(spec, start))
    } else if (running) await this.#start(spec)
    else this.#url.job = ''
  }

  /** Keep a run beside its successor; the oldest of too many ends, as does one without an epoch. */
  async #leave(run: Run, successor = ''): Promise<void> {
    const all = [...(run.epoch ? [run.id] : []), ...this.ghosts].filter((id) => id !== successor)
    const removed = [...all.slice(MOST_GHOSTS), ...(run.epoch ? [] : [run.id])]
    this.#url.with = all.slice(0, MOST_GHOSTS).join(',')
    if (this.running) this.#interrupted.add(run.id)
    if (run.epoch && !run.over) await run.act('pause').catch(() => undefined)
    for (const id of removed) void new Run(id).act('cancel').catch(() => undefined)
  }

  async #start(
    spec: Spec,
    { pace = this.pace, start }: { pace?: number; start?: Start } = {},
  ): Promise<Schemas['Job']> {
    const name = await this.lab.runName()
    const given = start ? { ...spec, initial_weights: start } : spec
    const job = await body(api.POST('/v1/jobs', { body: { ...given, name, pace } }))
    const { changes, ...plain } = spec
    if (changes?.length) this.#adopt(job.id!, job.spec)
    else this.#take(job.id!, plain as Spec)
    if (start) this.#arriving.add(job.id!)
    this.#before = []
    this.#url.job = job.id!
    return job
  }

  /** Start a run that pauses at once, or after its first epoch. */
  async #startPaused(spec: Spec, start?: Start): Promise<Schemas['Job']> {
    const { id } = await this.#start(spec, { pace: SLOWEST, start })
    const run = new Run(id!)
    await run.act('pause')
    const job = await settled(id!)
    await run.change({ pace: this.pace })
    return job
  }

  /** Repeat a run up to an epoch, quickly, and go on with other settings from there. */
  async #repeat(
    run: Run,
    spec: Schemas['TrainingSpec'],
    epoch: number,
    settings: Spec,
    stays = true,
  ): Promise<void> {
    const running = this.running || run.over
    if (stays) await this.#leave(run)
    const pace = Math.min(Math.max(epoch / REPEATED_SECONDS, this.pace, 1), REPEATING)
    const job = await body(api.POST('/v1/jobs', { body: { ...spec, pace } }))
    this.#repeats = { job: job.id!, epoch, pauses: !running }
    this.#take(job.id!, settings)
    this.#url.job = job.id!
  }

  #repeated(run: Run): void {
    const { pauses } = this.#repeats!
    this.#repeats = undefined
    void this.#steering?.send({ pace: this.pace })
    if (pauses) void run.act('pause').catch(() => undefined)
  }

  #take(id: string, spec: Spec): void {
    this.#specs = { ...this.#specs, [id]: spec }
  }

  /** Show the settings of a run that another page made. */
  #adopt(id: string, spec: Schemas['TrainingSpecOutput']): void {
    const { labels: _, name: __, pace: ___, changes: ____, ...settings } = specAfter(spec)
    // A run that took what fits of another one is not a start that the next ones have as well.
    if (settings.initial_weights?.resize) settings.initial_weights = null
    this.lab.put(normalized(compact(settings as Spec)), 'settings of a run')
    this.#take(id, this.lab.spec)
  }

  /** Go back to a run that was replaced. */
  async #back(id: string): Promise<void> {
    if (this.run) await this.#leave(this.run, id)
    else this.#url.with = this.ghosts.filter((ghost) => ghost !== id).join(',')
    const spec = this.#specs[id]
    if (spec) this.lab.put(spec, 'earlier run')
    this.#before = []
    this.#arriving.add(id)
    this.#url.job = id
    if (this.#interrupted.delete(id)) await new Run(id).act('resume').catch(() => undefined)
  }

  async #attempt(act: () => Promise<unknown>): Promise<void> {
    if (this.busy) return
    this.busy = true
    this.refusal = undefined
    try {
      await act()
    } catch (error) {
      if (!(error instanceof ApiProblem)) throw error
      this.refusal = error
    } finally {
      this.busy = false
    }
  }

  back(id: string): Promise<void> {
    return this.#attempt(() => this.#back(id))
  }

  /** Train, or pause; after its end, a run goes on for the same number of epochs again. */
  play(): Promise<void> {
    return this.#attempt(async () => {
      const { run, lab } = this
      if (!run || !this.#applied) await this.#start(lab.spec)
      else if (run.over) await this.#goOn(run)
      else await run.act(this.running ? 'pause' : 'resume')
    })
  }

  /** Repeat a run that has ended and go on: after early stopping, without it. */
  async #goOn(run: Run): Promise<void> {
    const { job, epoch } = run
    const change = this.#between(this.#applied!, this.lab.spec)
    if (!job || !change || !['completed', 'early_stopped'].includes(job.stop_reason ?? '')) {
      await this.#leave(run)
      await this.#start(this.lab.spec)
      return
    }
    const { early_stopping, ...settings } = this.lab.spec
    const stopped = job.stop_reason === 'early_stopped'
    const epochs = change.epochs ?? (stopped ? settings.epochs : epoch + settings.epochs)
    this.lab.put({ ...settings, ...(stopped ? {} : { early_stopping }), epochs }, 'epochs')
    const again = repeated(job.spec, epoch, { ...change, epochs } as never)
    if (stopped) again.early_stopping = null
    await this.#repeat(run, again, epoch, this.lab.spec, false)
  }

  /** Train one epoch and pause. */
  step(): Promise<void> {
    return this.#attempt(async () => {
      if (this.running) return this.run!.act('pause')
      if (!this.run) {
        if ((await this.#startPaused(this.lab.spec)).epoch) return
      } else if (this.run.over) return
      await body(
        api.POST('/v1/jobs/{id}/resume', {
          params: { path: { id: this.#url.job } },
          body: { epochs: 1 },
        }),
      )
    })
  }

  /** Begin again with the same initial weights, or with weights of another seed. */
  startOver(other = false): Promise<void> {
    return this.#attempt(async () => {
      const { run, lab } = this
      if (other) lab.set(['seed'], (lab.spec.seed ?? 0) + 1, 'seed')
      const isRepeated = isSame(this.#applied, lab.spec) && !run?.job?.spec.changes?.length
      if (run && isRepeated) void run.act('cancel').catch(() => undefined)
      else if (run) await this.#leave(run)
      await this.#start(lab.spec)
    })
  }

  undo(): void {
    this.#goesBack = this.lab.undoable
    this.lab.undo()
  }

  /** The link that repeats the run with its changes, or has the settings. */
  link(): string {
    const spec = this.isCurrent ? this.run?.job?.spec : undefined
    if (!spec) return labLink(this.lab.spec)
    const { labels: _, pace: __, ...settings } = spec
    return labLink(normalized(compact(settings as Spec)))
  }
}
