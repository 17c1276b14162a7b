/** Comparisons of vectors, and what follows from logits. */

/** The cosine of the angle of two vectors; 0 if a vector is 0. */
export function cosine(a: readonly number[], b: readonly number[]): number {
  const dot = (x: readonly number[], y: readonly number[]) =>
    x.reduce((sum, value, i) => sum + value * y[i]!, 0)
  return dot(a, b) / (Math.sqrt(dot(a, a) * dot(b, b)) || 1)
}

/** The other rows by their similarity to a row, most similar first. */
export function neighbors(
  rows: readonly (readonly number[])[],
  row: number,
  count: number,
): { row: number; similarity: number }[] {
  return rows
    .map((other, i) => ({ row: i, similarity: cosine(rows[row]!, other) }))
    .filter((neighbor) => neighbor.row !== row)
    .sort((a, b) => b.similarity - a.similarity)
    .slice(0, count)
}

/** Probabilities of logits that are divided by a temperature; at 0 the largest has all. */
export function softmax(logits: readonly number[], temperature = 1): number[] {
  const most = Math.max(...logits)
  if (temperature === 0) {
    const first = logits.indexOf(most)
    return logits.map((_, i) => (i === first ? 1 : 0))
  }
  const powers = logits.map((logit) => Math.exp((logit - most) / temperature))
  const total = powers.reduce((sum, power) => sum + power, 0)
  return powers.map((power) => power / total)
}
