/** Text generation with a language model: the tokens of the data, and those that were sampled. */
import type { Schemas } from '../lib/api'
import { toNumber } from '../lib/api/numbers'
import type { Seen } from './seen'

export interface Language {
  /** Names of the tokens, one character each. */
  names: readonly string[]
  /** Number of positions of the network's input. */
  positions: number
  /** Whether every row of the data starts with the same token, so that the prompt may be empty. */
  starts: boolean
}

export interface Question {
  epoch: number
  prompt: string
  /** 0 takes the most likely token, 1 samples from the network's probabilities, more flattens them. */
  temperature: number
  seed: number
}

/** A token that the service sampled. */
export type Step = Schemas['GeneratedToken']

/** The first tokens of a text; fewer where it ends. */
export type Ask = (
  request: { question: Question; tokens: number },
  signal: AbortSignal,
) => Promise<readonly Step[]>

export interface Candidate {
  text: string
  /** Probability of the network. */
  probability: number
  /** Probability to be sampled, at the temperature. */
  share: number
}

/** The language of data whose target at each position is the next token; else undefined. */
export function languageOf({
  samples,
  class_names: names,
  token_names: tokens,
  feature_names,
}: Seen): Language | undefined {
  const positions = feature_names.length
  if (
    positions < 2 ||
    !samples.length ||
    names.some((name, i) => name.length !== 1 || tokens[i] !== name)
  )
    return undefined
  const ahead = samples.every(
    ({ inputs, target_classes: targets }) =>
      targets.length === positions &&
      inputs
        .slice(1)
        .every(
          (value, i) => toNumber(value) === targets[i] || targets[i]! < 0 || targets[i + 1]! < 0,
        ),
  )
  const first = toNumber(samples[0]!.inputs[0]!)
  const starts = samples.length > 1 && samples.every(({ inputs }) => toNumber(inputs[0]!) === first)
  return ahead ? { names, positions, starts } : undefined
}

/** A text without unknown characters, as the data write it. */
export function readable({ names }: Language, text: string): string {
  return [...text].map((character) => known(names, character) ?? '').join('')
}

export function strangers({ names }: Language, text: string): string[] {
  return [...new Set(text)].filter((character) => known(names, character) === undefined)
}

function known(names: readonly string[], character: string): string | undefined {
  return [character, character.toLowerCase()].find((name) => names.includes(name))
}

/** The token and the most probable others, by their probability to be sampled. */
export function candidates(step: Step, temperature: number): Candidate[] {
  const [probability, share] = [step.probability, step.sampling_probability].map(toNumber)
  const others = step.alternatives.map((other) => {
    const odds = toNumber(other.probability) / probability!
    return {
      text: other.text,
      probability: toNumber(other.probability),
      share: temperature === 0 ? 0 : share! * odds ** (1 / temperature),
    }
  })
  return [{ text: step.text, probability: probability!, share: share! }, ...others].sort(
    (a, b) => b.share - a.share || b.probability - a.probability,
  )
}
