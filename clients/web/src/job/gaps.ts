/** Texts with a hidden token, and the probabilities of the tokens that may fill the gap. */
import { fixed, toNumber, toNumbers } from '../lib/api/numbers'
import type { Schemas } from '@epochal/client'
import { rowsOf } from './inside'
import { named, type Seen } from './seen'

export interface Gap {
  /** Index of the hidden word in the text. */
  at: number
  /** Undefined in a text that was typed with a gap. */
  hidden: string | undefined
  /** All words, the likeliest first. */
  guesses: { word: string; probability: number }[]
}

/** A word of a topic has a number, as in `sea3`; the others stand in any sentence. */
export const topicOf = (word = ''): string | undefined => /^([a-z]+)\d+$/.exec(word)?.[1]

/** For each masked position, in the order of the samples, the words by their probability. */
function guessesOf({ layers, token_names: names }: Schemas['SampleActivations']): Gap['guesses'][] {
  const { values, shape } = layers[0]!
  return rowsOf(toNumbers(values), shape.at(-1)!).map((probabilities) =>
    probabilities
      .map((probability, token) => ({ word: named(names, token), probability }))
      .sort((a, b) => b.probability - a.probability),
  )
}

/** Each row of the reply hides another word of the same sentence, which begins with a token that stays. */
export function gapsOf(reply: Schemas['SampleActivations']): {
  words: string[]
  gaps: (Gap & { hidden: string })[]
} {
  const { inputs, token_names: names } = reply
  const rows = inputs.map((row) => row.map((token) => names[toNumber(token)]!))
  const mask = names.at(-1)!
  const whole = rows[0]!.map((word, i) => (word === mask ? rows.at(-1)![i]! : word))
  const gaps = guessesOf(reply).map((guesses, i) => {
    const at = rows[i]!.indexOf(mask)
    return { at: at - 1, hidden: whole[at]!, guesses }
  })
  return { words: whole.slice(1), gaps }
}

/** The gap at a position of the only sample; its row may have other gaps. */
export function gapAt(
  reply: Schemas['SampleActivations'],
  at: number,
  hidden: string | undefined,
): Gap {
  const mask = reply.token_names.length - 1
  const before = reply.inputs[0]!.slice(0, at).filter((token) => token === mask).length
  return { at, hidden, guesses: guessesOf(reply)[before]! }
}

/** The tokens of a sample before some of them were masked. */
export function unmasked({ samples }: Seen, index: number, mask: number): number[] {
  const { inputs, target_classes: targets } = samples[index % samples.length]!
  return toNumbers(inputs).map((token, i) => (token === mask ? (targets[i] ?? token) : token))
}

/** Topics with the sum of the probabilities of their words; undefined stands for all other words. */
export function topicShares({ guesses }: Gap): { topic: string | undefined; share: number }[] {
  const shares = new Map<string | undefined, number>()
  for (const { word, probability } of guesses) {
    const topic = topicOf(word)
    shares.set(topic, (shares.get(topic) ?? 0) + probability)
  }
  return [...shares]
    .map(([topic, share]) => ({ topic, share }))
    .sort((a, b) => ((a.topic ?? '\uffff') < (b.topic ?? '\uffff') ? -1 : 1))
}

/** Number of words that a figure shows. */
export const LIKELIEST = 5

export const percent = (share: number): string => `${fixed(100 * share, share < 0.1 ? 1 : 0)} %`
