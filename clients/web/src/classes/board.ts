/** The board of a class as texts and as a table for other programs. */
import type { Schemas } from '../lib/api'
import { toNumber, type WireNumber } from '../lib/api/numbers'
import type { Table } from '../lib/charts'

type Board = Schemas['Board']
type Row = Schemas['PupilRow']
/** The right choice of the prediction of a chapter. */
export type Solutions = Readonly<
  Record<string, { prediction: { choices: string[]; answer: number } }>
>

export const percent = (share: WireNumber | null | undefined): string =>
  share == null ? '–' : `${Math.round(100 * toNumber(share))} %`

export function points(share: WireNumber | null | undefined): string {
  if (share == null) return '–'
  const value = Math.round(100 * toNumber(share))
  return `${value < 0 ? '−' : value > 0 ? '+' : ''}${Math.abs(value)}`
}

/** The share of pupils with the right choice in a chapter, at first and at last. */
export function predicted(
  board: Board,
  section: string,
  answer: number,
): { pupils: number; first: number; last: number } {
  const given = board.pupils
    .flatMap((row) => row.predictions)
    .filter((entry) => entry.section === section && entry.first != null)
  const share = (side: 'first' | 'last') =>
    given.length ? given.filter((entry) => entry[side] === answer).length / given.length : 0
  return { pupils: given.length, first: share('first'), last: share('last') }
}

/** A row for each pupil: numbers and no names. */
export function boardTable(board: Board, solutions: Solutions): Table {
  const sections = Object.keys(solutions)
  const right = (row: Row, section: string, side: 'first' | 'last') => {
    const choice = row.predictions.find((entry) => entry.section === section)?.[side]
    return choice == null ? null : Number(choice === solutions[section]!.prediction.answer)
  }
  const items = board.gains.map(({ item }) => item).filter((item) => item !== 'all')
  const mark = (isRight?: boolean) => (isRight === undefined ? null : Number(isRight))
  return {
    columns: [
      'pupil',
      'chapter',
      ...items.flatMap((item) => [`${item}_before`, `${item}_after`]),
      ...sections.flatMap((section) => [`${section}_first_right`, `${section}_last_right`]),
      ...board.exercises.flatMap(({ id }) => [`${id}_attempts`, `${id}_solved`]),
    ],
    rows: board.pupils.map((row) => [
      row.owner,
      row.section ?? null,
      ...items.flatMap((_, i) => [mark(row.before[i]), mark(row.after[i])]),
      ...sections.flatMap((section) => [right(row, section, 'first'), right(row, section, 'last')]),
      ...row.exercises.flatMap(({ attempts, solved }) => [attempts, Number(solved)]),
    ]),
  }
}
