/** Texts as rows of tokens with their next tokens, as the data of the chapter's model have them. */
import type { Schemas } from '@epochal/client'
import { toNumbers } from '../../lib/api/numbers'

type Inline = Extract<Schemas['TrainingSpec']['dataset'], { inputs: unknown }>

/** Characters of a text that are tokens, in the case of the data. */
export const clean = (text: string, names: readonly string[], end: number): string =>
  [...text.toLowerCase()]
    .filter((letter) => names.indexOf(letter) !== end && names.includes(letter))
    .join('')

/**
 * Rows of `length` tokens: the token `end`, the text, and `end` again, which fills the row up. The
 * targets are the next tokens, and -1 behind the end of a text. Longer texts are cut.
 */
export function rowsOfTexts(
  texts: readonly string[],
  names: readonly string[],
  length: number,
  end = 0,
): Inline {
  const rows = texts.map((text) =>
    [...text].slice(0, length - 1).map((letter) => names.indexOf(letter)),
  )
  const fill = (row: number[], value: number) => [
    ...row,
    ...Array<number>(Math.max(length - row.length, 0)).fill(value),
  ]
  return {
    inputs: rows.map((row) => fill([end, ...row], end)),
    targets: rows.map((row) => fill([...row, end], -1)),
    class_names: [...names],
  }
}

/** The texts of such rows; none of data that are not inline. */
export function textsOfRows(dataset: Schemas['TrainingSpec']['dataset'], end = 0): string[] {
  if (!('inputs' in dataset)) return []
  return dataset.targets.map((row) =>
    toNumbers([row].flat())
      .filter((token) => token >= 0 && token !== end)
      .map((token) => dataset.class_names?.[token] ?? '')
      .join(''),
  )
}
