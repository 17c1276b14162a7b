/**
 * Layout of the boxes and arrows of an architecture. Data flow along `u`, and boxes of one step lie
 * side by side along `v`. On a narrow page, `u` points down instead of to the right.
 */
import type { Schemas } from '../../lib/api'

type Graph = Schemas['Graph']

export interface Box {
  id: string
  kind: Schemas['GraphNode']['kind']
  lines: string[]
  x: number
  y: number
  width: number
  height: number
}
export interface Arrow {
  kind: Schemas['GraphEdge']['kind']
  path: string
  label: string
  /** Position of the label. */
  at: readonly [number, number]
  anchor: 'start' | 'middle'
}
export interface Plan {
  width: number
  height: number
  boxes: Box[]
  arrows: Arrow[]
}

/** Wrap words into lines of at most `letters`; a longer word gets its own line. */
export function wrap(text: string, letters: number): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= letters)
      lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}

const BOX = 48
const ARC = 46

/** Lay out a graph; with `down`, data flow from top to bottom. */
export function plan(graph: Graph, width: number, down: boolean): Plan {
  const columns = graph.nodes.map((node) => node.column)
  const rows = graph.nodes.map((node) => node.row)
  const [firstColumn, firstRow] = [Math.min(...columns), Math.min(...rows)]
  const steps = Math.max(...columns) - firstColumn + 1
  const lanes = Math.max(...rows) - firstRow + 1
  const above = graph.edges.some((edge) => edge.kind === 'residual' || edge.source === edge.target)
    ? ARC + 14
    : 6

  // The size of a step along u, of a lane along v, and of a box.
  const stepSize = down ? BOX + 34 : width / steps
  const laneSize = down ? (width - (above > 6 ? above : 0)) / lanes : BOX + 44
  const long = down ? BOX : Math.min(stepSize - 26, 124)
  const wide = down ? Math.min(laneSize - 16, 170) : BOX
  // Residual arrows run above the boxes if data flow to the right, else to the right of them.
  const start = down ? 6 : above

  const place = new Map(
    graph.nodes.map((node) => [
      node.id,
      {
        u: (node.column - firstColumn + 0.5) * stepSize,
        v: (node.row - firstRow) * laneSize + (down ? laneSize / 2 : start + wide / 2),
      },
    ]),
  )
  const point = (u: number, v: number): readonly [number, number] => (down ? [v, u] : [u, v])
  const text = (...points: (readonly [number, number])[]) =>
    points.map(([u, v]) =>
      point(u, v)
        .map((point) => point.toFixed(1))
        .join(' '),
    )
  const outer = (v: number, by: number) => (down ? v + by : v - by)

  const boxes = graph.nodes.map((node): Box => {
    const { u, v } = place.get(node.id)!
    const [x, y] = point(u, v)
    const [w, h] = down ? [wide, long] : [long, wide]
    return {
      id: node.id,
      kind: node.kind,
      lines: wrap(node.label, Math.max(Math.floor(w / 7.4), 6)),
      x,
      y,
      width: w,
      height: h,
    }
  })

  const arrows = graph.edges.map((edge): Arrow => {
    const a = place.get(edge.source)!
    const b = place.get(edge.target)!
    const make = (
      path: string,
      u: number,
      v: number,
      anchor: Arrow['anchor'] = 'middle',
    ): Arrow => ({
      kind: edge.kind,
      label: edge.label,
      path,
      at: point(u, v),
      anchor,
    })
    if (edge.source === edge.target) {
      const side = outer(a.v, wide / 2)
      const far = outer(side, ARC)
      const [from, out, back, to] = text(
        [a.u - 16, side],
        [a.u - 34, far],
        [a.u + 34, far],
        [a.u + 16, side],
      )
      return make(
        `M${from}C${out} ${back} ${to}`,
        a.u + (down ? 26 : 0),
        outer(side, ARC - (down ? 20 : 6)),
        down ? 'start' : 'middle',
      )
    }
    if (edge.kind === 'residual') {
      const side = outer(a.v, wide / 2)
      const far = outer(side, ARC)
      const [from, out, back, to] = text(
        [a.u + 14, side],
        [a.u + 14, far],
        [b.u, far],
        [b.u, outer(b.v, wide / 2)],
      )
      return make(`M${from}C${out} ${back} ${to}`, (a.u + b.u) / 2, outer(side, ARC - 6))
    }
    if (Math.abs(a.u - b.u) < 1) {
      const sign = Math.sign(b.v - a.v)
      const [from, to] = text([a.u, a.v + (sign * wide) / 2], [b.u, b.v - (sign * wide) / 2])
      return make(`M${from}L${to}`, a.u, (a.v + b.v) / 2)
    }
    const [u1, u2] = [a.u + long / 2, b.u - long / 2]
    const half = (u1 + u2) / 2
    const [from, out, back, to] = text([u1, a.v], [half, a.v], [half, b.v], [u2, b.v])
    return make(`M${from}C${out} ${back} ${to}`, half, (a.v + b.v) / 2)
  })

  const along = steps * stepSize
  const across = down ? width : (lanes - 1) * laneSize + start + wide + 6
  return { width: down ? width : along, height: down ? along : across, boxes, arrows }
}
