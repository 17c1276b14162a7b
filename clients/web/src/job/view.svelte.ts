/** The view of a run at the selected epoch, and the picture that suits its data. */
import { body, computed } from '../lib/api'
import type { Look } from './look.svelte'
import { readJob } from './requests'
import type { Run } from './run.svelte'
import { size } from './seen'
import { languageOf } from './write'

/** Create this while a component initializes. */
export class View {
  readonly #job = $derived.by(() => this.run.job)
  readonly #network = $derived(
    this.#job && 'layers' in this.#job.spec.network ? this.#job.spec.network : undefined,
  )
  /** The number of inputs. */
  readonly inputs = $derived(this.#network && size(this.#network.input_shape))
  /** Whether there are validation samples. */
  readonly held = $derived(
    (this.#job?.spec.validation_fraction ?? 0) > 0 || Boolean(this.#job?.spec.validation_dataset),
  )
  /** The names of the layers: by default, a type and a position. */
  readonly layers = $derived(
    (this.#network?.layers ?? []).flatMap((layer, i) =>
      layer.type === 'dropout' ? [] : [layer.name ?? `${layer.type}_${i + 1}`],
    ),
  )
  readonly #tokens = $derived(this.#network?.layers[0]?.type === 'embedding')

  /** Its samples are pairs of rows, so no row has a target to compare a prediction with. */
  readonly compares = $derived(this.#job?.spec.loss === 'preference')

  /** The same samples at every epoch; more of them if they are drawn as points. */
  readonly samples = computed(
    () => {
      const { drawn: epoch } = this.look
      if (epoch === undefined || this.inputs === undefined || this.compares) return undefined
      return { epoch, order: 'random' as const, count: this.#count(this.inputs) }
    },
    readJob(() => this.run.id, 'sample-predictions'),
  )
  readonly seen = $derived(this.samples.value)

  /** Parts that were deleted while the page is open: after a run ends, its upload and itself can be. */
  readonly bereft = $derived(
    this.samples.problem?.reason === 'dataset_not_found'
      ? 'data'
      : this.samples.problem?.status === 404
        ? 'run'
        : undefined,
  )

  /** The uploaded table that the run was trained on. */
  readonly table = computed(
    () => (this.#job && 'id' in this.#job.spec.dataset ? this.#job.spec.dataset.id : undefined),
    (id, signal) =>
      body(this.run.service.api.GET('/v1/datasets/{id}', { params: { path: { id } }, signal })),
  )
  readonly columns = $derived(this.table.value?.columns ?? [])
  readonly language = $derived(this.seen && languageOf(this.seen))
  readonly regression = $derived(
    this.seen
      ? this.seen.class_names.length === 0
      : this.#job !== undefined && ['mse', 'mae', 'huber'].includes(this.#job.spec.loss),
  )
  /** The token that masks others, if the network learns to restore them. */
  readonly mask = $derived(
    this.#job?.spec.corruption?.type === 'mask' ? this.#job.spec.corruption.token : undefined,
  )
  readonly diffusion = $derived.by(() => {
    if (this.#job?.spec.corruption?.type !== 'diffuse' || !this.#network) return
    const output = this.#network.layers.at(-1)
    const features = output && 'units' in output ? output.units : 1
    const classes = (this.#network.input_shape[0] ?? 0) - features - 1
    return { steps: this.#job.spec.corruption.steps ?? 50, features, classes }
  })
  readonly picture = $derived.by(() => {
    const { seen, inputs } = this
    if (this.diffusion) return 'noise'
    if (this.#tokens && !seen && !this.samples.problem) return 'waiting'
    if (this.language) return 'text'
    if (this.mask !== undefined && seen) return 'gap'
    if (seen?.token_names.length) return 'samples'
    if (inputs === 2) return 'map'
    if (inputs === 1) return 'fit'
    if (!this.regression) return 'confusion'
    return inputs !== undefined && inputs <= 32 ? 'agreement' : 'samples'
  })

  constructor(
    private readonly run: Run,
    private readonly look: Look,
  ) {}

  #count(inputs: number): number {
    if (this.#tokens) return 12
    if (inputs <= 2) return 400
    if (inputs <= 32) return 300
    if (inputs <= 100) return 30
    return inputs <= 1024 ? 10 : 3
  }
}
