/** Name and color of each label of a gradient. */
import type { Schemas } from '@epochal/client'

type Label = Schemas['GradientFlowSimulation']['label']

export const WORDS: Record<Label, string> = {
  vanishing: 'vanishing',
  healthy: 'healthy',
  exploding: 'exploding',
}
export const COLORS: Record<Label, string> = {
  vanishing: 'var(--negative-ink)',
  healthy: 'var(--series-3)',
  exploding: 'var(--series-6)',
}
