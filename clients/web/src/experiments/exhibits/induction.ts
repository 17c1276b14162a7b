/** How far a head is an induction head: one that copies what followed an earlier occurrence. */

/**
 * Return the mean weight on the token behind the last earlier occurrence of the present token, over
 * all positions that have one; 0 if no token recurs. `weights[position][memory position]`.
 *
 * Olsson and others, "In-context learning and induction heads" (2022), call it prefix matching.
 */
export function inductionWeight(
  tokens: readonly number[],
  weights: readonly (readonly number[])[],
): number {
  const matches = weights.flatMap((row, i) => {
    const before = i ? tokens.lastIndexOf(tokens[i]!, i - 1) : -1
    return before < 0 ? [] : [row[before + 1] ?? 0]
  })
  return matches.length ? matches.reduce((sum, weight) => sum + weight, 0) / matches.length : 0
}
