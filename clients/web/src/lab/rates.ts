/** Learning rates of a sweep, and the labels of their results. */
import type { Schemas } from '@epochal/client'
import { toNumber } from '../lib/api/numbers'

export type LabelName = Schemas['Label']['name']

export const LABELS: Record<LabelName, string> = {
  too_low: 'too low',
  slow: 'slow',
  good: 'good',
  oscillating: 'oscillating',
  diverged: 'diverged',
}

export const COLORS: Record<LabelName, string> = {
  too_low: 'var(--series-7)',
  slow: 'var(--series-1)',
  good: 'var(--series-3)',
  oscillating: 'var(--series-5)',
  diverged: 'var(--series-2)',
}

/** Learning rates with a constant ratio and two significant digits: 0.0001, 0.00032, 0.001 … */
export function ratesBetween(low: number, high: number, number: number): number[] {
  if (!(low > 0) || !(high > 0) || number < 2) return []
  const factor = (high / low) ** (1 / (number - 1))
  const rates = Array.from({ length: number }, (_, i) => Number((low * factor ** i).toPrecision(2)))
  return [...new Set(rates)]
}

/** Index of the member with the lowest final loss, among members that did not diverge. */
export function bestOf(members: readonly Schemas['Member'][]): number | undefined {
  let best: { index: number; loss: number } | undefined
  members.forEach(({ label, latest }, index) => {
    if (!label || !latest || label.name === 'diverged') return
    const loss = toNumber(latest.train_loss)
    if (Number.isFinite(loss) && (!best || loss < best.loss)) best = { index, loss }
  })
  return best?.index
}
