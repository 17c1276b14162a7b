/** A grid of values over a plane, made finer for the eye. */

export interface Grid {
  columns: number
  rows: number
  /** Row by row from the least y, each from the least x; the outermost lie on the plane's edges. */
  values: readonly number[]
}

/** Beyond this a share has the color of its end of the ramp. */
const MOST = 5
const logit = (share: number) => Math.min(Math.max(Math.log(share / (1 - share)), -MOST), MOST)

/**
 * Each cell as `times` × `times` shares of the range, from 0 to 1, at the middles of the new cells.
 *
 * Between two places a network's score is nearly straight while its sigmoid bends: so the scores are
 * interpolated, and the boundary runs where it does, not in steps of a cell.
 */
export function refined(
  { columns, rows, values }: Grid,
  [low, high]: readonly [number, number],
  times: number,
): Grid {
  const scores = values.map((value) =>
    logit(Math.min(Math.max((value - low) / (high - low), 0), 1)),
  )
  const across = places(columns, times)
  const up = places(rows, times)
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

function places(count: number, times: number): { from: number; share: number }[] {
  return Array.from({ length: count * times }, (_, i) => {
    const at = ((i + 0.5) / (count * times)) * (count - 1)
    return { from: Math.floor(at), share: at - Math.floor(at) }
  })
}
