/** Rows of tokens as text, and back. */
import { named } from './seen'

const areLetters = (names: readonly string[]): boolean => names.every((name) => name.length === 1)

/** The text of a row: letters side by side, longer tokens with spaces between them. */
export function spelled(names: readonly string[], tokens: readonly number[]): string {
  return tokens.map((token) => named(names, token)).join(areLetters(names) ? '' : ' ')
}

/** The tokens of a text, and the parts of it that the vocabulary does not contain. */
export function tokenized(
  names: readonly string[],
  text: string,
): { tokens: number[]; unknown: string[] } {
  const parts = areLetters(names) ? [...text] : text.split(/\s+/).filter(Boolean)
  const tokens = parts.map((part) => {
    const exactly = names.indexOf(part)
    return exactly < 0 ? names.indexOf(part.toLowerCase()) : exactly
  })
  return {
    tokens: tokens.filter((token) => token >= 0),
    unknown: [...new Set(parts.filter((_, i) => tokens[i]! < 0))],
  }
}
