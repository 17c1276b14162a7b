/** State of the lab: the spec, its history, and the service's checks of it. */
import { untrack } from 'svelte'

import { api, body, computed, format, type Schemas } from '../lib/api'
import { json, text, urlState } from '../lib/state/url.svelte'
import {
  blamed,
  changedFrom,
  compact,
  factsOf,
  frozenAfter,
  isSame,
  isSpec,
  pathName,
  messageAt,
  normalized,
  OPENING,
  setAt,
  sourceOf,
  START,
  suggestedSpec,
  withData,
  type Bench,
  type Facts,
  type Path,
  type Spec,
} from './spec'

export type Dataset = Spec['dataset']
export type Look = Schemas['DatasetPreview']
export type Suggestion = Schemas['Suggestion']

/** Changes of one setting within this time are undone together. */
const BREATH = 800
const MOST_UNDONE = 100
const ROWS = 400
/** Create this while a component initializes; it follows the address until the component ends. */
export class Lab implements Bench {
  readonly #url = urlState('lab', { spec: json<Spec>(OPENING, isSpec), sweep: text() })
  #before = $state.raw<readonly Spec[]>([])
  #after = $state.raw<readonly Spec[]>([])
  #last = { what: '', at: 0 }
  /** The settings of the user, before a suggestion replaced them. */
  #own = $state.raw<Spec>()
  /** The change of the data that takes its suggested settings when they arrive. */
  #awaited = $state.raw<{ source: string | undefined; what: string }>()

  readonly spec = $derived(normalized(this.#url.spec))

  /** Dry run of the job: its cost, or its problem. */
  readonly check = computed(
    () => this.spec,
    (spec, signal) => body(api.POST('/v1/jobs/validate', { body: spec, signal })),
  )

  readonly summary = computed(
    () => ('layers' in this.spec.network ? this.spec.network : undefined),
    (network, signal) => body(api.POST('/v1/networks/summarize', { body: { network }, signal })),
  )

  readonly data = computed(
    () => this.spec.dataset,
    (dataset, signal) => look(dataset, ROWS, signal),
  )

  readonly #source = $derived(sourceOf(this.spec.dataset))

  /** Suggested settings for the data set. */
  readonly suggestion = computed(() => this.#source, suggest)

  /** Fields with a suggested value that the user has changed; undefined without a suggestion. */
  readonly changed = $derived.by(() => {
    const suggestion = this.suggestion.value
    return suggestion && suggestion.source === this.#source
      ? changedFrom(suggestion, this.spec)
      : undefined
  })

  /** Whether a file is being read, which is to be the data: the spec has still the data before it. */
  readingFile = $state(false)

  /** Facts about the data; until loaded, facts that follow from the spec. */
  readonly facts = $derived(this.data.value && factsOf(this.data.value.dataset))

  constructor() {
    $effect(() => {
      const suggestion = this.suggestion.value
      if (suggestion && suggestion.source === this.#awaited?.source)
        untrack(() => this.useSuggestion(suggestion, this.#awaited!.what))
    })
    // A spec can refer to a saved network; load its layers to edit them.
    $effect(() => {
      const { network } = this.spec
      if (!('id' in network)) return
      const abort = new AbortController()
      void body(
        api.GET('/v1/networks/{id}', {
          params: { path: { id: network.id } },
          signal: abort.signal,
        }),
      ).then(
        (saved) => this.put({ ...this.spec, network: compact(saved.network) }, 'saved network'),
        () => undefined,
      )
      return () => abort.abort()
    })
  }

  /** Name of the run: the given name, or the name of the uploaded file. */
  async runName(): Promise<string | null> {
    const { name, dataset } = this.spec
    if (name || !('id' in dataset)) return name ?? null
    return (await body(api.GET('/v1/datasets/{id}', { params: { path: { id: dataset.id } } }))).name
  }

  get sweep(): string {
    return this.#url.sweep
  }
  set sweep(id: string) {
    this.#url.sweep = id
  }

  get undoable(): boolean {
    return this.#before.length > 0
  }
  get redoable(): boolean {
    return this.#after.length > 0
  }

  /** `what` names the change; consecutive changes of the same name are undone together. */
  put(next: Spec, what: string): void {
    const now = Date.now()
    const goesOn = what === this.#last.what && now - this.#last.at < BREATH
    if (!goesOn) this.#before = [...this.#before.slice(-MOST_UNDONE + 1), this.spec]
    this.#after = []
    this.#awaited = undefined
    this.#last = { what, at: now }
    // Layers without a name are named by their position.
    const freeze = next.freeze === this.spec.freeze ? frozenAfter(this.spec, next) : next.freeze
    this.#url.spec = compact({ ...next, freeze })
  }

  get frozen(): readonly string[] {
    return this.spec.freeze ?? []
  }

  freeze(name: string, on: boolean): void {
    const others = this.frozen.filter((other) => other !== name)
    this.set(['freeze'], on ? [...others, name] : others, `${on ? 'freeze' : 'train'} ${name}`)
  }

  set(path: Path, value: unknown, what = pathName(path)): void {
    this.put(setAt(this.spec, path, value), what)
  }

  /**
   * Use a data set with the settings that the service suggests for it. Changed settings stay if it
   * `replaces` another version of the same file.
   */
  choose(dataset: Dataset, facts: Facts, replaces = false): void {
    const stays = replaces && !this.isAsSuggested
    // A suggestion for another data set does not suit this one.
    const earlier = this.isAsSuggested ? this.#own : this.spec
    this.put(withData(earlier ?? START, dataset, facts), 'dataset')
    this.#own = earlier && this.spec
    // A suggestion knows nothing of samples to restore: these settings stay.
    if (!stays && !this.spec.corruption) this.#follow('dataset')
  }

  /** Change a parameter of the data; suggested settings follow it. */
  adjust(next: Spec, what: string): void {
    const follows = this.isAsSuggested && sourceOf(next.dataset) !== this.#source
    this.put(next, what)
    if (follows) this.#follow(what)
  }

  #follow(what: string): void {
    this.#awaited = this.#source === undefined ? undefined : { source: this.#source, what }
  }

  /** Whether suggested settings are on their way. */
  get awaitsSuggestion(): boolean {
    return this.#awaited !== undefined && !this.suggestion.problem
  }

  /** Whether the settings are the suggested ones, or will be. */
  get isAsSuggested(): boolean {
    return this.#awaited !== undefined || this.changed?.size === 0
  }

  useSuggestion(suggestion: Suggestion, what = 'suggestion'): void {
    const { dataset, ...spec } = suggestedSpec(suggestion)
    // The settings belong to the change of the data, and are undone with it.
    if (what === this.#last.what) this.#last.at = Date.now()
    this.put({ ...spec, dataset: { ...this.spec.dataset, scaling: dataset.scaling } }, what)
  }

  /** Whether there are settings to return to from the suggested ones. */
  get hasOwn(): boolean {
    return (
      this.#own !== undefined &&
      this.changed?.size === 0 &&
      sourceOf(this.#own.dataset) === this.#source
    )
  }

  keepOwn(): void {
    if (this.#own) this.put(this.#own, 'own settings')
  }

  undo(): void {
    this.#travel(() => {
      const spec = this.#before.at(-1)
      if (!spec) return
      this.#before = this.#before.slice(0, -1)
      this.#after = [...this.#after, this.spec]
      return spec
    })
  }

  redo(): void {
    this.#travel(() => {
      const spec = this.#after.at(-1)
      if (!spec) return
      this.#after = this.#after.slice(0, -1)
      this.#before = [...this.#before, this.spec]
      return spec
    })
  }

  /** Return to earlier settings; the changes after them were refused, and are not undone. */
  retract(spec: Spec): void {
    const at = this.#before.findLastIndex((before) => isSame(before, spec))
    if (at >= 0) this.#before = this.#before.slice(0, at)
    this.#after = []
    this.#travel(() => spec)
  }

  #travel(take: () => Spec | undefined): void {
    const spec = take()
    this.#last = { what: '', at: 0 }
    if (spec) this.#url.spec = spec
  }

  messageAt(path: Path): string | undefined {
    return messageAt(this.check.problem, path)
  }

  blamed(path: Path): boolean {
    return blamed(this.check.problem, path)
  }
}

/** The first rows of the data, as used in training. */
export async function look(dataset: Dataset, rows: number, signal?: AbortSignal): Promise<Look> {
  if ('inputs' in dataset) return inline(dataset)
  if ('id' in dataset) {
    return body(
      api.GET('/v1/datasets/{id}/preview', {
        params: { path: { id: dataset.id }, query: { rows } },
        signal,
      }),
    )
  }
  const { name, scaling: _scaling, ...parameters } = dataset
  const query = compact({ rows, ...parameters })
  return body(
    api.GET('/v1/datasets/{id}/preview', {
      params: { path: { id: name }, query: query as { rows: number } },
      signal,
    }),
  )
}

type Sourced = Suggestion & { source: string }

const suggestions = new Map<string, Promise<Sourced>>()

/** Suggested settings for a source; data sets do not change, so one request is enough. */
function suggest(source: string): Promise<Sourced> {
  const known = suggestions.get(source)
  if (known) return known
  const { id, name, ...query } = JSON.parse(source) as { id?: string; name?: string }
  const request = body(
    api.GET('/v1/datasets/{id}/suggest', { params: { path: { id: id ?? name! }, query } }),
  ).then((suggestion) => ({ ...suggestion, source }))
  suggestions.set(source, request)
  request.catch(() => suggestions.delete(source))
  return request
}

function inline(dataset: Schemas['InlineDataset']): Look {
  const classes = dataset.class_names ?? []
  return {
    dataset: {
      id: '',
      name: 'Your points',
      description: '',
      task: classes.length > 2 ? 'multiclass' : classes.length ? 'binary' : 'regression',
      samples: dataset.inputs.length,
      features: dataset.inputs[0]?.length ?? 0,
      feature_names: dataset.feature_names ?? (dataset.inputs[0] ?? []).map((_, i) => `x${i + 1}`),
      class_names: classes,
      target_names: ['class'],
      token_names: [],
      builtin: false,
      generated: false,
      source: '',
      license: '',
      created_at: null,
      parameters: [],
      vocabularies: [],
      columns: [],
      warnings: [],
    },
    inputs: dataset.inputs,
    targets: dataset.targets,
  }
}

/** `48 samples`, `1,600 steps`. */
export const some = (amount: number, what: string): string =>
  `${format(amount)} ${what}${amount === 1 ? '' : 's'}`
