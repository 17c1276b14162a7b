/** The losses that a run's losses are compared with, as lines of a chart. */
import type { Schemas } from '@epochal/client'
import { toNumber } from '../lib/api/numbers'
import type { Series } from '../lib/charts/table'

type Baselines = Schemas['Job']['baselines']

/** A baseline beyond this factor of the curves is not drawn, because it would flatten them. */
const FAR = 20

const NGRAMS: Readonly<Record<number, string>> = { 2: 'bigram', 3: 'trigram' }

/**
 * Level lines at `x` for the best constant, the linear model, boosted trees and n-gram models: their
 * validation losses, or training losses without validation. `curves` are the chart's.
 */
export function baselineSeries(
  baselines: Baselines | undefined,
  x: readonly number[],
  curves: readonly Series[],
  part: 'train' | 'validation' = 'validation',
): Series[] {
  if (!baselines || x.length === 0) return []
  const values = curves.flatMap((curve) => [...curve.y]).filter(Number.isFinite)
  const [low, high] = [Math.min(...values), Math.max(...values)]
  const named = [
    { name: 'best constant', losses: baselines.constant, color: 'var(--ink-soft)' },
    { name: 'linear model', losses: baselines.linear, color: 'var(--series-7)' },
    { name: 'boosted trees', losses: baselines.boosted, color: 'var(--series-4)' },
    ...(baselines.ngrams ?? []).map((losses) => ({
      name: NGRAMS[losses.n] ?? `${losses.n}-gram`,
      losses,
      color: 'var(--series-7)',
    })),
  ]
  return named.flatMap(({ name, losses, color }): Series[] => {
    if (!losses) return []
    const loss = toNumber(
      (part === 'validation' ? losses.validation_loss : undefined) ?? losses.train_loss,
    )
    if (!(loss >= low / FAR && loss <= high * FAR)) return []
    return [{ name, x, y: x.map(() => loss), color, dashed: true, faint: true }]
  })
}
