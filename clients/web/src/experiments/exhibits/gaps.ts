/** Sentences with one word hidden at a time, and the probabilities of the words that may fill the gap. */
import { toNumber, toNumbers } from '../../lib/api/numbers'
import type { Schemas } from '../../lib/api/client'
import { rowsOf } from '../../job/inside'

export interface Gap {
  /** Index of the hidden word in the sentence. */
  at: number
  hidden: string
  /** All words, the likeliest first. */
  guesses: { word: string; probability: number }[]
}

/** A word of a topic has a number, as in `sea3`; the others stand in any sentence. */
export const topicOf = (word: string): string | undefined => /^([a-z]+)\d+$/.exec(word)?.[1]

/** Each row of the reply hides another word of the same sentence, which begins with a token that stays. */
export function gapsOf({ inputs, token_names: names, layers }: Schemas['SampleActivations']): {
  words: string[]
  gaps: Gap[]
} {
  const rows = inputs.map((row) => row.map((token) => names[toNumber(token)]!))
  const mask = names.at(-1)!
  const { values, shape } = layers[0]!
  const probabilities = rowsOf(toNumbers(values), shape.at(-1)!)
  const whole = rows[0]!.map((word, i) => (word === mask ? rows.at(-1)![i]! : word))
  const gaps = rows.map((row, i) => {
    const at = row.indexOf(mask)
    const guesses = probabilities[i]!.map((probability, token) => ({
      word: names[token]!,
      probability,
    })).sort((a, b) => b.probability - a.probability)
    return { at: at - 1, hidden: whole[at]!, guesses }
  })
  return { words: whole.slice(1), gaps }
}

/** Topics with the sum of the probabilities of their words; undefined is that of all other words. */
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
