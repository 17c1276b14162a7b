/** Metrics by epoch from a stream: each metric is a curve that grows at its end. */
import { toNumber, type WireNumber } from '../lib/api/numbers'

export interface Curve {
  x: readonly number[]
  y: readonly number[]
}
export type Curves = Readonly<Record<string, Curve>>

/** `curve` extended by the epochs after its last one. */
export function extend(
  curve: Curve | undefined,
  epochs: readonly number[],
  values: readonly WireNumber[],
): Curve {
  const last = curve?.x.at(-1) ?? -Infinity
  const first = epochs.findIndex((epoch) => epoch > last)
  if (first < 0) return curve ?? { x: [], y: [] }
  return {
    x: [...(curve?.x ?? []), ...epochs.slice(first)],
    y: [...(curve?.y ?? []), ...values.slice(first).map(toNumber)],
  }
}

export interface SeriesOfApi {
  metric: string
  epochs: readonly number[]
  values: readonly WireNumber[]
}

export function curvesOf(series: readonly SeriesOfApi[]): Curves {
  return Object.fromEntries(
    series.map((line) => [line.metric, extend(undefined, line.epochs, line.values)]),
  )
}

/** Add to `whole`, a reply of the service, the epochs that `live` received since the request. */
export function rejoin(whole: Curves, live: Curves): Curves {
  const all = { ...whole }
  for (const [metric, curve] of Object.entries(live))
    all[metric] = extend(all[metric], curve.x, curve.y)
  return all
}

/** At most `most` of the sorted `items`, evenly spaced, including both ends. */
export function spread<T>(items: readonly T[], most: number): T[] {
  if (items.length <= most) return [...items]
  return Array.from(
    { length: most },
    (_, i) => items[Math.round((i * (items.length - 1)) / (most - 1))]!,
  )
}

/** Index of the last of the sorted `epochs` up to `epoch`; 0 if all are later. */
export function lastUpTo(epochs: readonly number[], epoch: number): number {
  let count = 0
  for (let i = 0; i < epochs.length && epochs[i]! <= epoch; i++) count = i
  return count
}
