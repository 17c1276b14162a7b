/** Text generation with a language model: the tokens of the data, and those that were sampled. */
import type { Schemas } from '../lib/api'
import { toNumber } from '../lib/api/numbers'
import type { Seen } from './seen'

export interface Language {
  /** Texts of the tokens: characters, parts of words, or words. */
  names: readonly string[]
  /** Text between two tokens: none between characters and parts of words, a space between words. */
  separator: '' | ' '
  /** Number of positions of the network's input. */
  positions: number
  /** Whether every row of the data starts with the same token, so that the prompt may be empty. */
  starts: boolean
  /** Whether rows hold texts that end, such as names, so that generated texts end too. */
  ends: boolean
}

export interface Question {
  epoch: number
  prompt: string
  /** 0 takes the most likely token, 1 samples from the network's probabilities, more flattens them. */
  temperature: number
  /** Sample from this many most probable tokens only; 0: from all. */
  top: number
  seed: number
}

/** A token that the service sampled. */
export type Step = Schemas['GeneratedToken']

/** Generated texts: the tokens of the prompt, and those of each sample, fewer where it ends. */
export interface Texts {
  prompt: readonly string[]
  samples: readonly (readonly Step[])[]
}

/** The first tokens of some texts. */
export type Ask = (
  request: { question: Question; tokens: number; count: number },
  signal: AbortSignal,
) => Promise<Texts>

export type Sampling = Pick<Question, 'temperature' | 'top'>

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
  if (positions < 2 || !samples.length || names.some((name, i) => tokens[i] !== name))
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
  const ends = samples.some(({ target_classes: targets }) => (targets.at(-1) ?? 0) < 0)
  return ahead ? { names, separator: separatorOf(names), positions, starts, ends } : undefined
}

/** A token that is longer than a character is part of a word if its characters are tokens too. */
export function separatorOf(names: readonly string[]): '' | ' ' {
  const known = new Set(names)
  return names.every((name) => [...name].every((character) => known.has(character))) ? '' : ' '
}

/** A text by its smallest parts that can be tokens. */
const partsOf = ({ separator }: Language, text: string): string[] =>
  separator ? text.split(/\s+/).filter(Boolean) : [...text]

/** A text without unknown characters or words, as the data write it. */
export function readable(language: Language, text: string): string {
  return partsOf(language, text)
    .flatMap((part) => known(language.names, part) ?? [])
    .join(language.separator)
}

export function strangers(language: Language, text: string): string[] {
  return [...new Set(partsOf(language, text))].filter(
    (part) => known(language.names, part) === undefined,
  )
}

function known(names: readonly string[], part: string): string | undefined {
  return [part, part.toLowerCase()].find((name) => names.includes(name))
}

/** Some of the stored epochs: those nearest to 0, 1, 2, 4, 8 … and the last. */
export function doublings(stored: readonly number[]): number[] {
  const last = stored.at(-1)
  if (last === undefined) return []
  const powers = Array.from(
    { length: 1 + Math.floor(Math.log2(Math.max(last, 1))) },
    (_, i) => 2 ** i,
  )
  const chosen = [0, ...powers].map((epoch) =>
    stored.reduce((best, other) =>
      Math.abs(other - epoch) < Math.abs(best - epoch) ? other : best,
    ),
  )
  return [...new Set([...chosen, last])]
}

/**
 * The token and the most probable others, by their probability to be sampled: from `top` tokens, or
 * from all.
 */
export function candidates(step: Step, { temperature, top }: Sampling): Candidate[] {
  const [probability, share] = [step.probability, step.sampling_probability].map(toNumber)
  const others = step.alternatives.map((other) => {
    const odds = toNumber(other.probability) / probability!
    return {
      text: other.text,
      probability: toNumber(other.probability),
      share: temperature === 0 ? 0 : share! * odds ** (1 / temperature),
    }
  })
  const ranked = [{ text: step.text, probability: probability!, share: share! }, ...others].sort(
    (a, b) => b.share - a.share || b.probability - a.probability,
  )
  return ranked.map((token, i) => (top && i >= top ? { ...token, share: 0 } : token))
}
