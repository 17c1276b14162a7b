/** Estimated duration of a run, from an earlier run of this service. */
import type { Schemas } from '../lib/api/client'
import { toNumber } from '../lib/api/numbers'
import { steps, type Spec } from './spec'

type Job = Schemas['Job']

interface Cost {
  steps: number
  /** Floating-point operations per step. */
  size: number
}

export interface Estimate {
  seconds: number
  /** Id of the earlier run. */
  job: string
}

export function costOf(spec: Spec, samples: number, flops: number): Cost {
  const count = steps(spec, samples)
  return { steps: count, size: flops / Math.max(count, 1) }
}

/**
 * Estimate from the earlier run with the most similar steps. Larger steps take proportionally longer;
 * smaller ones take as long, because overhead dominates them. Undefined without earlier runs.
 */
export function estimate(cost: Cost, before: readonly Job[]): Estimate | undefined {
  let nearest: { distance: number; estimate: Estimate } | undefined
  for (const job of before) {
    if (job.id === null || job.started_at === null || job.finished_at === null || job.epoch === 0)
      continue
    const done = costOf(
      { ...job.spec, epochs: job.epoch },
      job.samples,
      toNumber(job.flops) * (job.epoch / job.spec.epochs),
    )
    const took = (Date.parse(job.finished_at) - Date.parse(job.started_at)) / 1000
    if (!(took > 0) || done.steps === 0) continue
    const distance =
      Math.abs(Math.log(cost.size / done.size)) + 0.2 * Math.abs(Math.log(cost.steps / done.steps))
    if (nearest && nearest.distance <= distance) continue
    const seconds = (took / done.steps) * cost.steps * Math.max(cost.size / done.size, 1)
    nearest = { distance, estimate: { seconds, job: job.id } }
  }
  return nearest?.estimate
}
