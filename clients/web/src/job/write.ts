/**
 * Writing with a network that foresees the next token: what it is given, how one is drawn, and how a
 * text grows from both.
 */
import { toNumber } from '../lib/api/numbers'
import type { Seen } from './seen'

export interface Language {
  /** What the tokens are called that can be written: a character each. */
  names: readonly string[]
  /** Tokens that the network is given at once. */
  places: number
  /** The token that stands before every row of the data, if they have one. */
  start: number | undefined
}

export interface Question {
  epoch: number
  prompt: readonly number[]
  /** 0 takes the most likely token, 1 draws as the network says, more evens out. */
  temperature: number
  seed: number
}

export interface Written {
  token: number
  /** What the network said of every token before this one was drawn. */
  probabilities: readonly number[]
}

/** Probabilities of the token after a text, as the network of an epoch has them. */
export type Ask = (
  epoch: number,
  text: readonly number[],
  signal: AbortSignal,
) => Promise<readonly number[]>

/** The language of data that ask at each place for what stands a place later; of no other. */
export function languageOf({
  samples,
  class_names: names,
  token_names: tokens,
  feature_names,
}: Seen): Language | undefined {
  const places = feature_names.length
  if (
    places < 2 ||
    !samples.length ||
    names.some((name, i) => name.length !== 1 || tokens[i] !== name)
  )
    return undefined
  const ahead = samples.every(
    ({ inputs, target_classes: targets }) =>
      targets.length === places &&
      inputs.slice(1).every((value, i) => toNumber(value) === targets[i]),
  )
  const first = toNumber(samples[0]!.inputs[0]!)
  return ahead ? { names, places, start: first < names.length ? undefined : first } : undefined
}

/** The tokens of a text, without those of its characters that the language does not have. */
export function tokensOf({ names }: Language, text: string): number[] {
  return [...text].map((each) => known(names, each)).filter((token) => token >= 0)
}

export function strangers({ names }: Language, text: string): string[] {
  return [...new Set(text)].filter((each) => known(names, each) < 0)
}

function known(names: readonly string[], character: string): number {
  const exactly = names.indexOf(character)
  return exactly < 0 ? names.indexOf(character.toLowerCase()) : exactly
}

/**
 * Tokens at the front of a text that the network is not given any more. Rows that have a start token begin
 * with a sentence, so that whole sentences are left out of them where there are such.
 */
export function forgotten({ names, places, start }: Language, text: readonly number[]): number {
  const least = text.length + (start === undefined ? 0 : 1) - places
  if (least <= 0) return 0
  if (start === undefined) return least
  for (let i = Math.max(least, 2); i <= text.length; i++) {
    if (names[text[i - 2]!] === '.' && names[text[i - 1]!] === ' ') return i
  }
  return least
}

/**
 * A text as a row of the data, and the place whose answer is the token after it. The text begins where
 * rows of the data begin; behind it nothing is written yet, and `filler` stands there.
 */
export function rowOf(
  language: Language,
  text: readonly number[],
  filler = 0,
): { row: number[]; place: number } {
  const { places, start } = language
  const read = [...(start === undefined ? [] : [start]), ...text.slice(forgotten(language, text))]
  return {
    row: [...read, ...Array<number>(places - read.length).fill(filler)],
    place: read.length - 1,
  }
}

/** `p^(1/T)`, made to add up to 1 again; at a temperature of 0 all of it is the most likely one's. */
export function tempered(probabilities: readonly number[], temperature: number): number[] {
  const most = Math.max(...probabilities)
  if (temperature === 0) {
    const best = probabilities.indexOf(most)
    return probabilities.map((_, i) => (i === best ? 1 : 0))
  }
  const weights = probabilities.map((each) => (each / most) ** (1 / temperature))
  const sum = weights.reduce((all, each) => all + each, 0)
  return weights.map((each) => each / sum)
}

/** The token at `chance`, 0 to 1, of the length that their probabilities make, laid end to end. */
export function draw(probabilities: readonly number[], chance: number): number {
  let end = 0
  const token = probabilities.findIndex((each) => (end += each) > chance)
  return token < 0 ? probabilities.findLastIndex((each) => each > 0) : token
}

/** The `n`-th throw of the dice of a seed, from 0 to 1: Wellons' 32-bit hash `lowbias32`, twice. */
export function chance(seed: number, n: number): number {
  return (mixed(mixed(seed) + n) >>> 0) / 2 ** 32
}

function mixed(value: number): number {
  let x = value | 0
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d)
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b)
  return (x ^ (x >>> 16)) >>> 0
}

/** Tokens one after another, each drawn from what the network says of the text so far, `written` among it. */
export async function* grow(
  ask: Ask,
  { epoch, prompt, temperature, seed }: Question,
  written: readonly Written[],
  signal: AbortSignal,
): AsyncGenerator<Written> {
  const text = [...prompt, ...written.map((each) => each.token)]
  for (let n = written.length; ; n++) {
    const probabilities = await ask(epoch, text, signal)
    const token = draw(tempered(probabilities, temperature), chance(seed, n))
    text.push(token)
    yield { token, probabilities }
  }
}
