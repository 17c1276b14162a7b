/** The words of the course and their meanings, in the order of the alphabet. */
import titles from './titles'
import words from '../../../../service/epochal_course/content/glossary.json'

export interface Word {
  text: string
  /** Address of the part of the journey that shows it. */
  part: string
}

/** The title of the part, e.g. `Attention heads` for `language-heads`. */
export function titleOf({ part }: Word): string {
  const [chapter] = part.split('-', 1) as [keyof typeof titles]
  const parts: Record<string, string> = titles[chapter].parts
  return parts[part.slice(chapter.length + 1)]!
}

export const glossary: Readonly<Record<string, Word>> = words

const byForm = new Map<string, string>(
  Object.entries(words).flatMap(([word, { forms }]) =>
    [word, ...forms].map((form): [string, string] => [form.toLowerCase(), word]),
  ),
)

/** The entry of a word in any of its forms, e.g. `logit` for `Logits`. */
export const entryOf = (form: string): string | undefined => byForm.get(form.toLowerCase())

export interface Piece {
  text: string
  word?: string
}

/** Divide a text at the words of a list, each where it first occurs. */
export function pieces(text: string, sought: readonly string[]): Piece[] {
  const occurrences = sought
    .map((word) => ({ word, at: text.indexOf(word) }))
    .filter(({ at }) => at >= 0)
    .sort((a, b) => a.at - b.at)
  const parts: Piece[] = []
  let from = 0
  for (const { word, at } of occurrences) {
    if (at < from) continue
    parts.push({ text: text.slice(from, at) }, { text: word, word })
    from = at + word.length
  }
  return [...parts, { text: text.slice(from) }].filter((piece) => piece.text)
}
