/** The network of this section: its weights in a single list, and the steps of its forward pass. */

export const SIZES = [3, 4, 4, 2] as const
export const LAYERS = SIZES.length - 1

/** Number of weights and biases before those of layer `l`, counted from 1. */
function before(l: number): number {
  let count = 0
  for (let k = 1; k < l; k++) count += SIZES[k]! * (SIZES[k - 1]! + 1)
  return count
}

/** Index of the weight from unit `from` to unit `to` of layer `l`. */
export function weightAt(l: number, from: number, to: number): number {
  return before(l) + from * SIZES[l]! + to
}

export function biasAt(l: number, to: number): number {
  return before(l) + SIZES[l - 1]! * SIZES[l]! + to
}

/** The weights that the service calls `pattern`; there, the first dense layer has l = 0. */
export function pattern(): number[] {
  const row: number[] = []
  for (let l = 1; l <= LAYERS; l++) {
    for (let i = 0; i < SIZES[l - 1]!; i++)
      for (let o = 0; o < SIZES[l]!; o++) row.push((((3 * o + 5 * i + 7 * (l - 1)) % 11) - 5) / 10)
    for (let o = 0; o < SIZES[l]!; o++) row.push((((o + l - 1) % 3) - 1) / 10)
  }
  return row
}

/** The weights in the service format: one row per input, one column per unit. */
export function given(
  row: readonly number[],
): { layer: string; weight: number[][]; bias: number[] }[] {
  return Array.from({ length: LAYERS }, (_, k) => {
    const l = k + 1
    const units = [...Array(SIZES[l]!).keys()]
    return {
      layer: `dense_${l}`,
      weight: Array.from({ length: SIZES[l - 1]! }, (_, i) =>
        units.map((o) => row[weightAt(l, i, o)] ?? 0),
      ),
      bias: units.map((o) => row[biasAt(l, o)] ?? 0),
    }
  })
}

export const INPUT = [0.8, 0.3, 0.6]

/** The network with the weights `pattern` and an input, as the simulations take it. */
export const example = () => ({
  network: {
    input_shape: [SIZES[0]],
    layers: SIZES.slice(1).map((units, k) => ({
      type: 'dense' as const,
      units,
      activation: k === LAYERS - 1 ? ('softmax' as const) : ('relu' as const),
    })),
  },
  input: INPUT,
  weights: given(pattern()),
})

/** Where the units of each layer stand in a picture of this height, in columns from `left` to `right`. */
export const columnsOf = (left: number, right: number, height: number) =>
  SIZES.map((units, l) =>
    Array.from({ length: units }, (_, u) => ({
      x: left + (l * (right - left)) / LAYERS,
      y: height / 2 + (u - (units - 1) / 2) * 54,
    })),
  )

export type Grain = 'edge' | 'unit' | 'layer'

export interface Step {
  kind: 'input' | 'product' | 'sum' | 'activation' | 'layer'
  layer: number
  /** Unit of a product, a sum or an activation. */
  unit: number
  /** Source unit of a product. */
  from: number
}

const step = (kind: Step['kind'], layer: number, unit = -1, from = -1): Step => ({
  kind,
  layer,
  unit,
  from,
})

/**
 * The steps from the input to the prediction at the given step size. A softmax needs all sums of
 * its layer, so the last layer is activated after all of them.
 */
export function walk(grain: Grain): Step[] {
  const way = [step('input', 0)]
  for (let l = 1; l <= LAYERS; l++) {
    if (grain === 'layer') {
      way.push(step('layer', l))
      continue
    }
    const late: Step[] = []
    for (let u = 0; u < SIZES[l]!; u++) {
      if (grain === 'edge')
        for (let i = 0; i < SIZES[l - 1]!; i++) way.push(step('product', l, u, i))
      way.push(step('sum', l, u))
      ;(l === LAYERS ? late : way).push(step('activation', l, u))
    }
    way.push(...late)
  }
  return way
}

/** State of each unit: nothing computed yet, its sum, or its output. */
export type Known = 'nothing' | 'sum' | 'output'

export function known(way: readonly Step[], at: number): Known[][] {
  const state: Known[][] = SIZES.map((units, l) =>
    Array<Known>(units).fill(l === 0 ? 'output' : 'nothing'),
  )
  for (const { kind, layer, unit } of way.slice(0, at + 1)) {
    if (kind === 'layer') state[layer]!.fill('output')
    if (kind === 'sum') state[layer]![unit] = 'sum'
    if (kind === 'activation') state[layer]![unit] = 'output'
  }
  return state
}

/** Whether values move along this edge in this step. */
export function flows(now: Step, l: number, from: number, to: number): boolean {
  if (now.layer !== l) return false
  if (now.kind === 'layer') return true
  if (now.unit !== to) return false
  return now.kind === 'sum' || (now.kind === 'product' && now.from === from)
}

const LOW = '₀₁₂₃₄₅₆₇₈₉'
export const low = (index: number) => LOW[index + 1] ?? ''

export function layerName(l: number): string {
  return l === 0 ? 'Input' : l === LAYERS ? 'Output' : `Hidden ${l}`
}

export function unitName(l: number, unit: number): string {
  return l === 0 ? `x${low(unit)}` : `${layerName(l)}, unit ${unit + 1}`
}

export function stepName(now: Step): string {
  if (now.kind === 'input') return 'the input'
  if (now.kind === 'layer') return layerName(now.layer)
  const unit = unitName(now.layer, now.unit)
  if (now.kind === 'product') return `${unit}: product ${now.from + 1}`
  return `${unit}: ${now.kind === 'sum' ? 'sum' : now.layer === LAYERS ? 'probability' : 'output'}`
}
