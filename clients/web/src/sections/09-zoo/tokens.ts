/** Split a sentence into tokens for the attention explorer: words and punctuation marks. */

export const MOST = 12
const LONGEST = 24

export function tokens(sentence: string): string[] {
  return (sentence.match(/[\p{L}\p{N}'’-]+|[^\s\p{L}\p{N}]/gu) ?? [])
    .slice(0, MOST)
    .map((word) => word.slice(0, LONGEST))
}
