/** The runs behind the slider: one batched sweep per optimizer, trained once. */
import { type Computed, type Schemas, simulated } from '../../lib/api'
import { HIGHEST, LOWEST, OPTIMIZERS, type Optimizer } from './sweep'

export type Sweeps = Record<Optimizer, Computed<Schemas['LearningRatesSimulation']>>

export const EPOCHS = 500
export const DATASET = { name: 'circles', samples: 100, noise: 0.05 } as const
/** Eight learning rates per power of ten; 0.01 is one of them. */
export const RATES = 49

/** Requested once `isNear` is true. Call this while a component initializes. */
export function sweeps(isNear: () => boolean): Sweeps {
  const of = (type: Optimizer) =>
    simulated('learning-rates', () =>
      isNear()
        ? {
            dataset: DATASET,
            optimizer: { type },
            epochs: EPOCHS,
            lowest: LOWEST,
            highest: HIGHEST,
            rates: RATES,
          }
        : undefined,
    )
  return Object.fromEntries(OPTIMIZERS.map(({ value }) => [value, of(value)])) as Sweeps
}
