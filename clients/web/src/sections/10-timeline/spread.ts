/** Positions of marks on a line that must not overlap. */

/** Positions near the sorted `positions`, at least `gap` apart, between `low` and `high`. */
export function apart(
  positions: readonly number[],
  gap: number,
  low: number,
  high: number,
): number[] {
  const room = positions.length > 1 ? Math.min(gap, (high - low) / (positions.length - 1)) : 0
  // Overlapping marks form a block at the average of the positions its members want.
  const blocks: { start: number; sum: number; members: number }[] = []
  const place = (block: { sum: number; members: number }) => {
    const width = (block.members - 1) * room
    return Math.min(Math.max(block.sum / block.members - width / 2, low), high - width)
  }
  for (const at of positions) {
    let block = { start: 0, sum: at, members: 1 }
    block.start = place(block)
    let last = blocks.at(-1)
    while (last && last.start + (last.members - 1) * room + room > block.start) {
      block = { start: 0, sum: last.sum + block.sum, members: last.members + block.members }
      block.start = place(block)
      blocks.pop()
      last = blocks.at(-1)
    }
    blocks.push(block)
  }
  return blocks.flatMap((block) =>
    Array.from({ length: block.members }, (_, i) => block.start + i * room),
  )
}
