/** The points of a data set, to be edited on the output map. */
import type { Look } from '../lab/lab.svelte'
import { viewOf } from '../lab/picture'
import type { Spec } from '../lab/spec'
import type { Schemas } from '@epochal/client'

/** More points make a link too long. */
const MOST = 500

/** Whether the page has all points, and they have classes. */
export function isEditable({ dataset, inputs }: Look, spec: Spec): boolean {
  return (
    !('id' in spec.dataset) &&
    !('weights' in spec.dataset) &&
    !spec.corruption &&
    viewOf({ dataset } as Look) === 'points' &&
    dataset.class_names.length > 1 &&
    inputs.length === dataset.samples &&
    inputs.length <= MOST
  )
}

export interface Point {
  x: number
  y: number
  target: number
}

/** The data set with these points instead, which a run scales as before. */
export function dataWith(
  points: readonly Point[],
  { dataset }: Look,
  spec: Spec,
): Schemas['InlineDataset'] {
  const short = (value: number) => Number(value.toPrecision(4))
  const { scaling } = spec.dataset
  // Rows that were given stay as they were: another name would make them other data.
  const given =
    'inputs' in spec.dataset
      ? spec.dataset
      : {
          feature_names: dataset.feature_names,
          class_names: dataset.class_names,
          ...(scaling ? { scaling } : {}),
        }
  return {
    ...given,
    inputs: points.map(({ x, y }) => [short(x), short(y)]),
    targets: points.map(({ target }) => [target]),
  }
}
