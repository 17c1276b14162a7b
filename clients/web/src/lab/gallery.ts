/** The built-in data sets in groups, and their parameters. */
import { api, body, toNumber, type Schemas } from '../lib/api'
import type { Dataset } from './lab.svelte'
import { factsWith, withData, type Spec } from './spec'

const GROUPS: readonly [string, readonly string[]][] = [
  ['Point classification', ['two_moons', 'circles', 'spiral', 'blobs']],
  ['Regression', ['sine', 'plane']],
  ['Sequences', ['adding', 'sorting', 'reversal', 'repeats', 'functions']],
  [
    'Text',
    [
      'sentences',
      'sonnets',
      'plays',
      'names',
      'topics',
      'arithmetic',
      'arithmetic_calls',
      'questions',
    ],
  ],
  ['Real data', ['iris', 'wine', 'breast_cancer', 'digits', 'shifted_digits', 'digit_images']],
]
export const LOGIC = 'Truth tables'
export const YOURS = 'Yours'

export interface Group {
  title: string
  datasets: Schemas['Dataset'][]
}

/** All data sets, and thumbnails of the built-in ones. */
export async function listDatasets(signal?: AbortSignal): Promise<Schemas['DatasetPage']> {
  const query = { page_size: 1000, thumbnails: true }
  return body(api.GET('/v1/datasets', { params: { query }, signal }))
}

/** Group the data sets; those without a group go to the last fitting one. */
export function grouped(all: readonly Schemas['Dataset'][]): Group[] {
  const named = new Set(GROUPS.flatMap(([, names]) => names))
  const groups = GROUPS.map(([title, names]) => ({
    title,
    datasets: names.flatMap((name) =>
      all.filter((dataset) => dataset.builtin && dataset.name === name),
    ),
  }))
  const logic = all.filter(
    (dataset) => dataset.builtin && !named.has(dataset.name) && dataset.samples === 4,
  )
  const rest = all.filter(
    (dataset) => dataset.builtin && !named.has(dataset.name) && dataset.samples !== 4,
  )
  groups.at(-1)!.datasets.push(...rest)
  groups.push(
    { title: LOGIC, datasets: logic },
    { title: YOURS, datasets: all.filter((dataset) => !dataset.builtin) },
  )
  return groups.filter((group) => group.datasets.length)
}

const NOISE: Record<string, number> = { two_moons: 0.15, circles: 0.08, sine: 0.1, blobs: 1 }
const SAMPLES: Record<string, number> = {
  two_moons: 400,
  circles: 400,
  blobs: 300,
  names: 12_000,
  plays: 3400,
}

/** The spec of this data set with suitable parameters. */
export function asChosen(dataset: Schemas['Dataset']): Dataset {
  if (!dataset.builtin) return { id: dataset.id }
  const name = dataset.name as Schemas['NamedDataset']['name']
  return {
    name,
    ...(SAMPLES[name] === undefined ? {} : { samples: SAMPLES[name] }),
    ...(NOISE[name] === undefined ? {} : { noise: NOISE[name] }),
  }
}

export interface Parameter {
  name: string
  usual: number
  minimum: number
  maximum: number
  /** Upper end of the slider; typed values can go up to the maximum. */
  handy: number
  step: number
}

/** Parameters of a generator, from the service. */
export function parametersOf(dataset: Schemas['Dataset']): Parameter[] {
  return dataset.parameters.map(({ name, integer, ...bounds }) => {
    const [usual, minimum, maximum] = [
      toNumber(bounds.default ?? dataset.samples),
      toNumber(bounds.minimum),
      toNumber(bounds.maximum),
    ]
    const handy =
      {
        samples: Math.max(1000, 2 * usual),
        classes: Math.max(8, usual),
        features: 10,
        length: Math.max(60, usual),
        noise: Math.max(1, 4 * usual),
      }[name] ?? maximum
    return {
      name,
      usual,
      minimum,
      maximum,
      handy: Math.min(handy, maximum),
      step: integer ? 1 : 0.01,
    }
  })
}

/** Names of parameters that the reader knows by another word. */
export const LABELS: Record<string, string> = { features: 'Inputs' }

/** The spec with a network for these parameters of the built-in data. */
export function fitted(
  spec: Spec,
  chosen: Dataset,
  entry: Schemas['Dataset'],
  datasets: readonly Schemas['Dataset'][],
): Spec {
  if (!('name' in chosen)) return spec
  const facts = factsWith(entry, parametersOf(entry), { ...chosen })
  const others = datasets.find(({ id }) => id === chosen.vocabulary)?.token_names
  const more = others ? others.length - entry.token_names.length : 0
  const tokens = { classes: facts.classes + more, tokens: facts.tokens + more }
  return withData(spec, chosen, { ...facts, ...tokens })
}
