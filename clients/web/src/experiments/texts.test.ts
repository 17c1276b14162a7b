import { describe, expect, it } from 'vitest'

import {
  claimText,
  claimTitle,
  progress,
  progressText,
  valueText,
  type Claim,
  type Experiment,
} from './texts'

const claim: Claim = {
  claim: {
    job: 'cnn',
    minus: 'mlp',
    classifier: null,
    minus_baseline: null,
    metric: 'validation_accuracy',
    epoch: 'answer',
    position: null,
    within_epochs: null,
    at_least: 0.15,
    above: null,
    at_most: null,
    below: null,
    text: null,
  },
  text: 'It is ahead',
  outcome: 'met',
  met: 1,
  runs: [],
}

describe('texts of experiments', () => {
  it('says what a claim compares', () => {
    expect(claimText(claim)).toBe('validation accuracy of cnn − mlp: at least 0.15')
    expect(claimTitle(claim.claim)).toBe('Validation accuracy of cnn − mlp: at least 0.15')
    expect(claimTitle({ ...claim.claim, text: 'It is ahead' })).toBe('It is ahead')
    const every = { ...claim.claim, minus: null, epoch: 'every' as const }
    expect(claimText({ ...claim, claim: every })).toBe(
      'validation accuracy of cnn: at least 0.15 in every epoch',
    )
    const last = { ...claim.claim, minus: null, position: 9 }
    expect(claimText({ ...claim, claim: last })).toBe(
      'validation accuracy at position 9 of cnn: at least 0.15',
    )
    const classes = {
      ...claim.claim,
      minus: null,
      metric: 'class_accuracy' as const,
      classifier: 'lenet',
    }
    expect(claimText({ ...claim, claim: classes })).toBe(
      'class accuracy by lenet of cnn: at least 0.15',
    )
    const sudden = { ...claim.claim, minus: null, within_epochs: 2 }
    expect(claimText({ ...claim, claim: sudden })).toBe(
      'validation accuracy of cnn, improvement within 2 epochs: at least 0.15',
    )
  })

  it('shows a difference with both numbers', () => {
    const run = { seed: 0, outcome: 'met' as const, detail: null }
    expect(valueText({ ...run, value: 0.25, job_value: 0.75, minus_value: 0.5 })).toBe(
      '0.25 = 0.75 − 0.5',
    )
    expect(valueText({ ...run, value: 0.25, job_value: 0.25, minus_value: null })).toBe('0.25')
    expect(
      valueText({
        seed: 0,
        outcome: 'unknown',
        detail: 'cnn was deleted',
        value: null,
        job_value: null,
        minus_value: null,
      }),
    ).toBe('cnn was deleted')
  })

  it('counts the epochs of ended runs as trained', () => {
    const jobs = [
      { state: 'cancelled', epoch: 1, epochs: 10 },
      { state: 'running', epoch: 5, epochs: 10 },
    ] as Experiment['jobs']
    expect(progress(jobs)).toBe(0.75)
    expect(progress([])).toBe(0)
    expect(progressText({ waiting: 1, failed: 1, succeeded: 2 })).toBe('3 of 4 runs have ended')
  })
})
