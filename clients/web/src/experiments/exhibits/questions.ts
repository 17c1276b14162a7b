/** Questions about a picture, their answers letter by letter, and where a network looks for each. */
import { toNumber, toNumbers } from '../../lib/api/numbers'
import type { Schemas } from '@epochal/client'
import { headsOf, type Head } from '../../job/inside'
import { named } from '../../job/seen'

export const ROWS = 8
export const COLUMNS = 16

export interface Question {
  name: string
  pixels: number[]
  /** The right answer, and the letters that the network wrote up to the first wrong one. */
  truth: string
  letters: string[]
  /** All that it wrote. */
  written: string
  isRight: boolean
  heads: Head[]
}

const NAMES = ['the left digit', 'the right digit', 'their sum']

/** For each picture the attention of its questions, of the right answers, and the written texts. */
export function questionsOf(
  seen: Schemas['SamplePredictions'],
  replies: readonly unknown[],
): Question[][] {
  const size = NAMES.length + 1
  const end = seen.class_names.length - 1
  return Array.from({ length: Math.floor(replies.length / size) }, (_, picture) => {
    const [attention, ...written] = replies.slice(picture * size, (picture + 1) * size) as [
      Schemas['SampleAttention'],
      ...Schemas['Generation'][],
    ]
    return NAMES.map((name, row): Question => {
      const inputs = toNumbers(attention.inputs[row]!)
      const tokens = inputs.slice(ROWS * COLUMNS + 1)
      const right = [...tokens.slice(0, tokens.indexOf(end)), end].map((token) =>
        named(seen.class_names, token),
      )
      const answer = written[row]!.samples[0]!.tokens.map(({ text }) => text)
      const wrong = answer.findIndex((letter, i) => letter !== right[i])
      return {
        name,
        pixels: inputs.slice(0, ROWS * COLUMNS),
        truth: right.slice(0, -1).join(''),
        letters: wrong < 0 ? answer : answer.slice(0, wrong + 1),
        written: answer.filter((letter) => letter !== right.at(-1)).join(''),
        isRight: wrong < 0,
        heads: headsOf(attention.layers.map((layer) => rowOf(layer, row))),
      }
    })
  })
}

function rowOf(layer: Schemas['InsideArray'], row: number): Schemas['InsideArray'] {
  const size = layer.shape.slice(1).reduce((all, length) => all * length, 1)
  const values = layer.values.slice(row * size, (row + 1) * size)
  return { ...layer, shape: [1, ...layer.shape.slice(1)], values }
}

/** Attention of a position on each patch: of one head, or the mean of all. */
export function patchesOf(heads: readonly Head[], position: number, head?: number): number[] {
  const chosen = head === undefined ? heads : heads.filter(({ number }) => number === head)
  return (chosen[0]?.weights[position] ?? []).map(
    (_, patch) =>
      chosen.reduce((sum, { weights }) => sum + toNumber(weights[position]![patch]!), 0) /
      chosen.length,
  )
}

/** Number of patches beside each other, of a picture that is twice as wide as it is high. */
export const patchColumns = (patches: number): number => Math.round(Math.sqrt(2 * patches))

/** Attention on the patches of the left digit. */
export function leftShare(patches: readonly number[]): number {
  const columns = patchColumns(patches.length)
  return patches.reduce((sum, share, i) => sum + (i % columns < columns / 2 ? share : 0), 0)
}
