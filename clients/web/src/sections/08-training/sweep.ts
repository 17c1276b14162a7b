/** Runs at many learning rates: bands without gaps, and the run nearest to a learning rate. */
import type { Schemas } from '@epochal/client'
import { toNumber } from '../../lib/api/numbers'

export type Label = Schemas['RateResult']['label']
export type Optimizer = 'adam' | 'sgd' | 'momentum' | 'rmsprop'

export const OPTIMIZERS: readonly { value: Optimizer; label: string }[] = [
  { value: 'adam', label: 'Adam' },
  { value: 'rmsprop', label: 'RMSprop' },
  { value: 'momentum', label: 'SGD with momentum' },
  { value: 'sgd', label: 'SGD' },
]
export const LOWEST = 1e-4
export const HIGHEST = 100

export const WORDS: Record<Label, string> = {
  too_low: 'too low',
  slow: 'slow',
  good: 'good',
  oscillating: 'oscillating',
  diverged: 'diverged',
}
export const COLORS: Record<Label, string> = {
  too_low: 'var(--series-7)',
  slow: 'var(--series-5)',
  good: 'var(--series-3)',
  oscillating: 'var(--series-2)',
  diverged: 'var(--series-6)',
}
export const MEANING: Record<Label, string> = {
  too_low: 'The steps are so small that the loss hardly changes.',
  slow: 'The loss falls, but has not converged at the end.',
  good: 'The loss falls fast and stays low.',
  oscillating: 'Each step overshoots the minimum: the loss jumps up and down instead of falling.',
  diverged: 'Each step overshoots more than the last: the final loss is above the initial loss.',
}

/** Extend neighboring bands to the geometric mean of the two rates between them. */
export function touching(
  bands: readonly Schemas['RateBand'][],
): { label: Label; from: number; to: number }[] {
  const ends = bands.map((band) => [toNumber(band.lowest), toNumber(band.highest)] as const)
  return bands.map(({ label }, i) => {
    const [lowest, highest] = ends[i]!
    const [before, after] = [ends[i - 1]?.[1], ends[i + 1]?.[0]]
    return {
      label,
      from: before === undefined ? lowest : Math.sqrt(before * lowest),
      to: after === undefined ? highest : Math.sqrt(highest * after),
    }
  })
}

/** Index of the learning rate with the smallest ratio to `rate`. */
export function nearestRate(rates: readonly number[], rate: number): number {
  const far = (other: number) => Math.abs(Math.log(other / rate))
  return rates.reduce((best, other, i) => (far(other) < far(rates[best]!) ? i : best), 0)
}
