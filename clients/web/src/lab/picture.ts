/** How to draw data: as points, a curve, images, sequences or a table. */
import { toNumber, toNumbers } from '../lib/api/numbers'
import type { Domain } from '../lib/charts/scale'
import type { Look } from './lab.svelte'

export type View = 'points' | 'curve' | 'pictures' | 'sequences' | 'table'

export function viewOf({ dataset }: Look): View {
  if (dataset.task === 'sequence' && dataset.token_names.length) return 'sequences'
  if (dataset.features === 2) return 'points'
  if (dataset.features === 1 && dataset.task === 'regression') return 'curve'
  if (sideOf(dataset.features) && dataset.feature_names[0]?.startsWith('pixel')) return 'pictures'
  return 'table'
}

/** Side length of a square image, in pixels. */
export function sideOf(features: number): number | undefined {
  const side = Math.sqrt(features)
  return Number.isInteger(side) && side > 1 ? side : undefined
}

export interface Dot {
  x: number
  y: number
  target: number
}

export function dotsOf(look: Look, view: View): Dot[] {
  return look.inputs.map((row, i) => {
    const target = toNumber(look.targets[i]?.[0] ?? 0)
    const x = toNumber(row[0] ?? 0)
    return { x, y: view === 'curve' ? target : toNumber(row[1] ?? 0), target }
  })
}

/** Range of the values, with a margin of a tenth on each side. */
export function reachOf(values: readonly number[]): Domain {
  let [low, high] = [Infinity, -Infinity]
  for (const value of values) {
    if (value < low) low = value
    if (value > high) high = value
  }
  if (low > high) return [-1, 1]
  const margin = (high - low) / 10 || 1
  return [low - margin, high + margin]
}

/** Samples sorted by target, each feature scaled to [0, 1]: `columns[sample][feature]`. */
export function barcode(look: Look, most: number): { columns: number[][]; targets: number[] } {
  const every = Math.max(1, Math.ceil(look.inputs.length / most))
  const rows = look.inputs
    .map((row, i) => ({ row: toNumbers(row), target: toNumber(look.targets[i]?.[0] ?? 0) }))
    .sort((a, b) => a.target - b.target)
    .filter((_, i) => i % every === 0)
  const ends = (rows[0]?.row ?? []).map((_, feature) => {
    const values = rows.map(({ row }) => row[feature] ?? 0)
    return [Math.min(...values), Math.max(...values)] as const
  })
  return {
    columns: rows.map(({ row }) =>
      row.map((value, i) => (value - ends[i]![0]) / (ends[i]![1] - ends[i]![0] || 1)),
    ),
    targets: rows.map((row) => row.target),
  }
}
