/** The outputs of units as pictures: a map over the plane of two inputs, a curve over one. */
import { layerName } from '../job/texts'
import type { Domain } from '../lib/charts/scale'
import { widths, type Activation, type Layer, type Network, type Parameters } from './forward'

/** The lowest and highest value of each input, in order. */
export type Plane = readonly number[]

/** Units of one column of the drawing: of a dense layer and of what follows it up to the next. */
export interface Column {
  /** Index of the layer with the units, and of the one with the outputs that are drawn. */
  layer: number
  shown: number
  name: string
  units: number
  activation: Activation
}

/** Inputs that can be added to those of the data. */
export const TERMS = ['x1', 'x2', 'x1^2', 'x2^2', 'x1*x2', 'sin(3*x1)', 'sin(3*x2)']

const layersOf = (network: Network): readonly Layer[] => network.layers

/** The terms that the first dense layer takes. */
export function termsOf(network: Network): string[] {
  const [first] = layersOf(network)
  if (first?.type === 'features') return first.terms
  return Array.from({ length: network.input_shape[0] ?? 0 }, (_, i) => `x${i + 1}`)
}

/** The network with a term more or less; without a layer of features if it takes the data as it is. */
export function withTerm(network: Network, term: string, on: boolean): Network {
  const [before, plain] = [termsOf(network), termsOf({ ...network, layers: [] })]
  const left = before.filter((other) => other !== term)
  const terms = on ? [...TERMS.filter((other) => other === term || left.includes(other))] : left
  for (const other of left) if (!terms.includes(other)) terms.push(other)
  if (!terms.length) return network
  const layers = layersOf(network).filter(({ type }) => type !== 'features')
  const isPlain = String(terms) === String(plain)
  return {
    ...network,
    layers: (isPlain ? layers : [{ type: 'features', terms }, ...layers]) as Network['layers'],
  }
}

const RAISED = '₀₁₂₃₄₅₆₇₈₉'

/** `x1^2` as x₁², `sin(3*x2)` as sin 3x₂. */
export const spelled = (term: string): string =>
  term
    .replace(
      /x(\d+)/g,
      (_, digits: string) => `x${[...digits].map((d) => RAISED[Number(d)]).join('')}`,
    )
    .replace('^2', '²')
    .replaceAll('*', '')
    .replace(/\((.*)\)/, ' $1')

/** The columns of units after the inputs. */
export function columnsOf(network: Network): Column[] {
  const units = widths(network) ?? []
  const columns: Column[] = []
  layersOf(network).forEach((layer, i) => {
    const last = columns.at(-1)
    if (layer.type === 'dense')
      columns.push({
        layer: i,
        shown: i,
        name: layerName(network.layers, i),
        units: units[i + 1]!,
        activation: layer.activation ?? 'linear',
      })
    else if (last) {
      last.shown = i
      if (layer.type === 'activation') last.activation = layer.activation
      else if (layer.type !== 'dropout') last.activation = 'linear'
    }
  })
  return columns
}

/** A resolution with which a picture takes about `work` multiplications. */
export function resolutionFor(network: Network, work: number, most: number): number {
  const units = widths(network) ?? []
  const each = units.reduce((sum, width, i) => sum + width * (units[i + 1] ?? 1), 0)
  const points = work / Math.max(each, 1)
  const side = network.input_shape[0] === 1 ? points : Math.sqrt(points)
  return Math.min(Math.max(Math.floor(side), 12), most)
}

/** Places `rows × inputs` of a grid: from the lowest y on, each from the lowest x. */
export function gridOf(plane: Plane, resolution: number): { inputs: Float32Array; rows: number } {
  const at = (axis: number, i: number) =>
    plane[2 * axis]! + (i / (resolution - 1)) * (plane[2 * axis + 1]! - plane[2 * axis]!)
  if (plane.length < 4)
    return {
      inputs: Float32Array.from({ length: resolution }, (_, i) => at(0, i)),
      rows: resolution,
    }
  const inputs = new Float32Array(2 * resolution ** 2)
  for (let y = 0; y < resolution; y++)
    for (let x = 0; x < resolution; x++) inputs.set([at(0, x), at(1, y)], 2 * (y * resolution + x))
  return { inputs, rows: resolution ** 2 }
}

/** The values at the two ends of the colors: 0 and 1 for probabilities, else on both sides of 0. */
export function rangeOf(activation: Activation, values: Iterable<number>): Domain {
  if (['sigmoid', 'softmax', 'step'].includes(activation)) return [0, 1]
  if (['tanh', 'softsign'].includes(activation)) return [-1, 1]
  let most = 1e-9
  for (const value of values) if (Number.isFinite(value)) most = Math.max(most, Math.abs(value))
  return [-most, most]
}

/** The parameters that turn inputs of the data into inputs of the network. */
export const scalingOf = (parameters: Parameters | undefined): Parameters =>
  new Map([...(parameters ?? [])].filter(([name]) => name.startsWith('scaling.')))

/**
 * Color the values of one unit, `rows × units` from the lowest y on, as pixels from the highest.
 * `colors` has 256 of three bytes.
 */
export function paint(
  pixels: Uint8ClampedArray,
  offset: number,
  values: Float32Array,
  { units, unit, resolution }: { units: number; unit: number; resolution: number },
  [low, high]: Domain,
  colors: Uint8ClampedArray,
): void {
  for (let row = 0; row < resolution; row++)
    for (let column = 0; column < resolution; column++) {
      const value = values[(row * resolution + column) * units + unit]!
      const share = Math.min(Math.max((value - low) / (high - low), 0), 1)
      const color = 3 * Math.round((Number.isNaN(share) ? 0.5 : share) * 255)
      const pixel = offset + 4 * ((resolution - 1 - row) * resolution + column)
      pixels[pixel] = colors[color]!
      pixels[pixel + 1] = colors[color + 1]!
      pixels[pixel + 2] = colors[color + 2]!
      pixels[pixel + 3] = 255
    }
}
