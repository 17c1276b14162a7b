/** Outlines of tapering branches, because an SVG stroke has a constant width. */

export type Place = readonly [x: number, y: number]
/** A cubic Bézier curve. */
export type Curve = readonly [Place, Place, Place, Place]

export function at([a, b, c, d]: Curve, t: number): Place {
  const s = 1 - t
  const mix = (i: 0 | 1) =>
    s * s * s * a[i] + 3 * s * s * t * b[i] + 3 * s * t * t * c[i] + t * t * t * d[i]
  return [mix(0), mix(1)]
}

function across([a, b, c, d]: Curve, t: number): Place {
  const s = 1 - t
  const slope = (i: 0 | 1) =>
    s * s * (b[i] - a[i]) + 2 * s * t * (c[i] - b[i]) + t * t * (d[i] - c[i])
  const [dx, dy] = [slope(0), slope(1)]
  const length = Math.hypot(dx, dy) || 1
  return [-dy / length, dx / length]
}

/** Outline of a curve that is `from` wide at its start and `to` wide at its round end. */
export function taper(curve: Curve, from: number, to: number, pieces = 14): string {
  const side = (sign: number) =>
    Array.from({ length: pieces + 1 }, (_, i) => {
      const t = i / pieces
      const half = (sign * (from + (to - from) * t)) / 2
      const [[x, y], [nx, ny]] = [at(curve, t), across(curve, t)]
      return `${(x + half * nx).toFixed(1)} ${(y + half * ny).toFixed(1)}`
    })
  const [left, right] = [side(1), side(-1).reverse()]
  return `M${left.join('L')}A${to / 2} ${to / 2} 0 0 0 ${right[0]}L${right.slice(1).join('L')}Z`
}

/** A curve from `a` to `b` that leaves `a` in the direction of `lead`. */
export function branch(a: Place, b: Place, lead: Place): Curve {
  const length = Math.hypot(b[0] - a[0], b[1] - a[1])
  const size = Math.hypot(...lead) || 1
  const out: Place = [
    a[0] + (lead[0] / size) * length * 0.45,
    a[1] + (lead[1] / size) * length * 0.45,
  ]
  return [a, out, [b[0] + (out[0] - b[0]) * 0.45, b[1] + (out[1] - b[1]) * 0.45], b]
}

/** An SVG path along several curves, one after the other. */
export function way(...curves: Curve[]): string {
  const [first] = curves
  if (!first) return ''
  return (
    `M${first[0].join(' ')}` +
    curves.map(([, b, c, d]) => `C${b.join(' ')} ${c.join(' ')} ${d.join(' ')}`).join('')
  )
}

export const reversed = ([a, b, c, d]: Curve): Curve => [d, c, b, a]
