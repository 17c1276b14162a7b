/**
 * Text generation with a language model: the input of the network, sampling a token, and extending
 * the text.
 */
import { toNumber } from '../lib/api/numbers'
import type { Seen } from './seen'

export interface Language {
  /** Names of the tokens, one character each. */
  names: readonly string[]
  /** Number of positions of the network's input. */
  positions: number
  /** The start token of every row of the data, if there is one. */
  start: number | undefined
}

export interface Question {
  epoch: number
  prompt: readonly number[]
  /** 0 takes the most likely token, 1 samples from the network's probabilities, more flattens them. */
  temperature: number
  seed: number
}

export interface Written {
  token: number
  /** Probability of every token before this one was sampled. */
  probabilities: readonly number[]
}

/** Probabilities of the next token after a text, from the network of an epoch. */
export type Ask = (
  epoch: number,
  text: readonly number[],
  signal: AbortSignal,
) => Promise<readonly number[]>

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
      inputs.slice(1).every((value, i) => toNumber(value) === targets[i]),
  )
  const first = toNumber(samples[0]!.inputs[0]!)
  return ahead ? { names, positions, start: first < names.length ? undefined : first } : undefined
}

/** The tokens of a text, without unknown characters. */
export function tokensOf({ names }: Language, text: string): number[] {
  return [...text].map((character) => known(names, character)).filter((token) => token >= 0)
}

export function strangers({ names }: Language, text: string): string[] {
  return [...new Set(text)].filter((character) => known(names, character) < 0)
}

function known(names: readonly string[], character: string): number {
  const exactly = names.indexOf(character)
  return exactly < 0 ? names.indexOf(character.toLowerCase()) : exactly
}

/**
 * Number of tokens at the start of a text that no longer fit. Rows with a start token begin with a
 * sentence, so whole sentences are dropped if possible.
 */
export function forgotten({ names, positions, start }: Language, text: readonly number[]): number {
  const least = text.length + (start === undefined ? 0 : 1) - positions
  if (least <= 0) return 0
  if (start === undefined) return least
  for (let i = Math.max(least, 2); i <= text.length; i++) {
    if (names[text[i - 2]!] === '.' && names[text[i - 1]!] === ' ') return i
  }
  return least
}

/**
 * A text as an input row, and the position that predicts the next token. `filler` tokens follow the
 * text.
 */
export function rowOf(
  language: Language,
  text: readonly number[],
  filler = 0,
): { row: number[]; place: number } {
  const { positions, start } = language
  const read = [...(start === undefined ? [] : [start]), ...text.slice(forgotten(language, text))]
  return {
    row: [...read, ...Array<number>(positions - read.length).fill(filler)],
    place: read.length - 1,
  }
}

/** `p^(1/T)`, normalized to a sum of 1; with temperature 0, the most likely token has probability 1. */
export function tempered(probabilities: readonly number[], temperature: number): number[] {
  const most = Math.max(...probabilities)
  if (temperature === 0) {
    const best = probabilities.indexOf(most)
    return probabilities.map((_, i) => (i === best ? 1 : 0))
  }
  const weights = probabilities.map((probability) => (probability / most) ** (1 / temperature))
  const sum = weights.reduce((all, weight) => all + weight, 0)
  return weights.map((weight) => weight / sum)
}

/** Sample a token with a uniform random number `chance` in [0, 1). */
export function draw(probabilities: readonly number[], chance: number): number {
  let end = 0
  const token = probabilities.findIndex((probability) => (end += probability) > chance)
  return token < 0 ? probabilities.findLastIndex((probability) => probability > 0) : token
}

/** The `n`-th random number of a seed, in [0, 1): Wellons' 32-bit hash `lowbias32`, twice. */
export function chance(seed: number, n: number): number {
  return (mixed(mixed(seed) + n) >>> 0) / 2 ** 32
}

function mixed(value: number): number {
  let x = value | 0
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d)
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b)
  return (x ^ (x >>> 16)) >>> 0
}

/** Yield tokens one by one, each sampled after the text so far, including `written`. */
export async function* grow(
  ask: Ask,
  { epoch, prompt, temperature, seed }: Question,
  written: readonly Written[],
  signal: AbortSignal,
): AsyncGenerator<Written> {
  const text = [...prompt, ...written.map((step) => step.token)]
  for (let n = written.length; ; n++) {
    const probabilities = await ask(epoch, text, signal)
    const token = draw(tempered(probabilities, temperature), chance(seed, n))
    text.push(token)
    yield { token, probabilities }
  }
}
