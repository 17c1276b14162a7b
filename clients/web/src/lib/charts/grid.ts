/** Refinement of a grid of values over a plane, for display. */

export interface Grid {
  columns: number
  rows: number
  /** Row by row from the lowest y, each from the lowest x; the outer values lie on the edges. */
  values: readonly number[]
}

/** Larger logits have the color at the end of the ramp. */
const MOST = 5
const logit = (share: number) => Math.min(Math.max(Math.log(share / (1 - share)), -MOST), MOST)

/**
 * Refine each cell into `times` × `times` values in [0, 1], at the centers of the new cells.
 *
 * Between two grid points the logit is nearly linear while the sigmoid is not, so logits are
 * interpolated. The boundary is then smooth instead of following the cells.
 */
export function refined(
  { columns, rows, values }: Grid,
  [low, high]: readonly [number, number],
  times: number,
): Grid {
  const scores = values.map((value) =>
    logit(Math.min(Math.max((value - low) / (high - low), 0), 1)),
  )
  const across = cells(columns, times)
  const up = cells(rows, times)
  const fine = new Array<number>(across.length * up.length)
  for (let row = 0; row < up.length; row++) {
    const { from: i, share: down } = up[row]!
    for (let column = 0; column < across.length; column++) {
      const { from: j, share: right } = across[column]!
      const at = i * columns + j
      const beside = j + 1 < columns ? 1 : 0
      const above = i + 1 < rows ? columns : 0
      const here = scores[at]! + right * (scores[at + beside]! - scores[at]!)
      const there =
        scores[at + above]! + right * (scores[at + above + beside]! - scores[at + above]!)
      fine[row * across.length + column] = 1 / (1 + Math.exp(-(here + down * (there - here))))
    }
  }
  return { columns: across.length, rows: up.length, values: fine }
}

function cells(count: number, times: number): { from: number; share: number }[] {
  return Array.from({ length: count * times }, (_, i) => {
    const at = ((i + 0.5) / (count * times)) * (count - 1)
    return { from: Math.floor(at), share: at - Math.floor(at) }
  })
}
