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
  const fine = interpolated({ columns, rows, values: scores }, times)
  return { ...fine, values: fine.values.map((score) => 1 / (1 + Math.exp(-score))) }
}

/**
 * The same for probabilities of several classes, one row for each grid point: the largest of each
 * new cell, and its class.
 */
export function refinedClasses(
  { columns, rows }: Pick<Grid, 'columns' | 'rows'>,
  probabilities: readonly (readonly number[])[],
  times: number,
): Grid & { classes: number[] } {
  // How far the class is behind the first; what is far behind has no part in the color.
  const behind = probabilities.map((row) => {
    const best = Math.log(Math.max(...row))
    return row.map((share) => Math.max(Math.log(share) - best, -MOST))
  })
  const scores = (probabilities[0] ?? []).map((_, k) =>
    interpolated({ columns, rows, values: behind.map((row) => row[k]!) }, times),
  )
  const classes: number[] = []
  const values = scores[0]!.values.map((_, i) => {
    let best = 0
    scores.forEach(({ values }, k) => {
      if (values[i]! > scores[best]!.values[i]!) best = k
    })
    classes.push(best)
    const top = scores[best]!.values[i]!
    return 1 / scores.reduce((sum, { values }) => sum + Math.exp(values[i]! - top), 0)
  })
  return { columns: columns * times, rows: rows * times, values, classes }
}

/** Values at the centers of `times` × `times` new cells for each, linear in both directions. */
function interpolated({ columns, rows, values }: Grid, times: number): Grid {
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
      const here = values[at]! + right * (values[at + beside]! - values[at]!)
      const there =
        values[at + above]! + right * (values[at + above + beside]! - values[at + above]!)
      fine[row * across.length + column] = here + down * (there - here)
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
