/** A sentence as the tokens that the explorer of attention takes: words, and signs apart from them. */

export const MOST = 12
const LONGEST = 24

export function tokens(sentence: string): string[] {
  return (sentence.match(/[\p{L}\p{N}'’-]+|[^\s\p{L}\p{N}]/gu) ?? [])
    .slice(0, MOST)
    .map((each) => each.slice(0, LONGEST))
}
