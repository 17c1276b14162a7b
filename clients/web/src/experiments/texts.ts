/** Texts about experiments: states, progress, claims. */
import type { Schemas } from '../lib/api'
import { format, toNumber } from '../lib/api/numbers'
import { capital, metricName } from '../job/texts'

export type Experiment = Schemas['Experiment']
export type Claim = Schemas['Claim']
type ClaimRun = Schemas['ClaimRun']

const STATES: Record<Experiment['state'], string> = {
  running: 'Training',
  succeeded: 'Finished',
  failed: 'A run has failed',
  cancelled: 'Cancelled',
}
export const stateText = (state: Experiment['state']): string => STATES[state]

const OUTCOMES: Record<Claim['outcome'], string> = {
  pending: 'Not known yet',
  met: 'Met',
  missed: 'Missed',
  unknown: 'Unknown',
}
export const outcomeText = (outcome: Claim['outcome']): string => OUTCOMES[outcome]

const ENDED = ['succeeded', 'failed', 'cancelled']

/** `3 of 10 runs have ended`. */
export function progressText(states: Record<string, number>): string {
  const total = Object.values(states).reduce((sum, count) => sum + count, 0)
  const ended = ENDED.reduce((sum, state) => sum + (states[state] ?? 0), 0)
  return `${ended} of ${total} runs have ended`
}

/** Share of all epochs that are trained, in [0, 1]; all epochs of ended jobs count as trained. */
export function progress(jobs: Experiment['jobs']): number {
  const total = jobs.reduce((sum, job) => sum + job.epochs, 0)
  const trained = jobs.reduce(
    (sum, job) => sum + (ENDED.includes(job.state) ? job.epochs : job.epoch),
    0,
  )
  return total ? trained / total : 0
}

/** The value of a run; of a difference with both numbers: `0.2 = 0.94 − 0.74`. */
export function valueText(run: ClaimRun): string {
  if (run.value === null) return run.detail ?? outcomeText(run.outcome)
  const value = format(toNumber(run.value))
  if (run.job_value === null || run.minus_value === null) return value
  return `${value} = ${format(toNumber(run.job_value))} − ${format(toNumber(run.minus_value))}`
}

/** The title of a claim: its own words, or its metric and its bounds. */
export const claimTitle = (claim: Schemas['ClaimSpec']): string =>
  claim.text ?? capital(claimText({ claim }))

/** The metric and the bounds of a claim: `validation accuracy of cnn − mlp: at least 0.15`. */
export function claimText({ claim }: { claim: Schemas['ClaimSpec'] }): string {
  const metric = metricName(claim.metric)
  const other = claim.minus ?? claim.minus_baseline?.replace('four_', '4-')
  const subject = other ? `${claim.job} − ${other}` : claim.job
  const bounds = (
    [
      ['at least', claim.at_least],
      ['above', claim.above],
      ['at most', claim.at_most],
      ['below', claim.below],
    ] as const
  )
    .filter(([, bound]) => bound !== null && bound !== undefined)
    .map(([words, bound]) => `${words} ${format(toNumber(bound!))}`)
  const when = {
    answer: '',
    last: ' in the last epoch',
    best: ' in the best epoch',
    every: ' in every epoch',
  }
  const where = toNumber(claim.position ?? NaN)
  const at = Number.isNaN(where) ? '' : ` at position ${where}`
  const within = claim.within_epochs
    ? `, improvement within ${toNumber(claim.within_epochs)} epochs`
    : ''
  const bounded = `${bounds.join(' and ')}${when[claim.epoch ?? 'answer']}`
  const by = claim.classifier ? ` by ${claim.classifier}` : ''
  return `${metric}${at}${by} of ${subject}${within}: ${bounded}`
}

/** The heading of each of several generations: the epoch of a network, with its name if there are others. */
export function headings(
  jobs: readonly string[],
  replies: readonly Schemas['Generation'][],
): string[] {
  const isOneJob = new Set(jobs).size === 1
  return replies.map(({ epoch }, i) => `${isOneJob ? '' : `${jobs[i]}, `}epoch ${epoch}`)
}
