/** Hand-drawn points as a data set. */
import type { Schemas } from '@epochal/client'
import { toNumber } from '../lib/api/numbers'
import type { Domain } from '../lib/charts/scale'
import type { Facts } from './spec'

export interface Drawn {
  x: number
  y: number
  kind: number
}

export const CLASSES = ['A', 'B', 'C']
export const DOMAIN: Domain = [-1.2, 1.2]
/** Limit, because the link contains all points. */
export const MOST = 300

/** The data set; undefined with fewer than two classes. */
export function dataOf(
  points: readonly Drawn[],
): { dataset: Schemas['InlineDataset']; facts: Facts } | undefined {
  const kinds = [...new Set(points.map((point) => point.kind))].sort()
  if (kinds.length < 2) return undefined
  // Always keep the first two classes, so that their colors do not change.
  const classes = Math.max(2, kinds.at(-1)! + 1)
  return {
    dataset: {
      inputs: points.map((point) => [point.x, point.y]),
      targets: points.map((point) => [point.kind]),
      feature_names: ['x', 'y'],
      class_names: CLASSES.slice(0, classes),
    },
    facts: {
      task: classes === 2 ? 'binary' : 'multiclass',
      samples: points.length,
      features: 2,
      classes,
      targets: 1,
      tokens: 0,
      images: false,
    },
  }
}

export function pointsOf(dataset: Schemas['InlineDataset']): Drawn[] {
  return dataset.inputs.map(([x = 0, y = 0], i) => ({
    x,
    y,
    kind: toNumber(dataset.targets[i]?.[0] ?? 0),
  }))
}
