/**
 * The forward pass of a small network, as the service computes it: at every frame, without a request.
 * Weights are named as in a checkpoint, e.g. `dense_1.weight`, and so is the scaling of the data.
 */
import type { Schemas } from '@epochal/client'
import { layerName } from '../job/texts'
import { activate } from './activations'

export type Parameters = ReadonlyMap<string, Float32Array>
export type Network = Schemas['NetworkSpec']
export type Layer = Network['layers'][number] | Features

/** Terms of the inputs, e.g. `x1`, `x1^2`, `x1*x2` and `sin(3*x2)`. */
interface Features {
  type: 'features'
  name?: string | null
  input?: string | string[] | null
  terms: string[]
}

/** Larger networks take too long for every frame, and too many bytes in the stream of a run. */
export const MOST_PARAMETERS = 4096

const TERM = /^(?:x(\d+)(?:(\^2)|\*x(\d+))?|(sin|cos)\((?:(.+)\*)?x(\d+)\))$/

/** A term of a layer of features as a function of the inputs from `at` on. */
function termOf(text: string): (inputs: Float32Array, at: number) => number {
  const [, left, squared, right, name, factor, of] = TERM.exec(text) ?? []
  if (name) {
    const f = name === 'sin' ? Math.sin : Math.cos
    return (inputs, at) => f(Number(factor ?? 1) * inputs[at + Number(of) - 1]!)
  }
  const i = Number(left) - 1
  const j = squared ? i : right ? Number(right) - 1 : undefined
  return (inputs, at) => inputs[at + i]! * (j === undefined ? 1 : inputs[at + j]!)
}

const layersOf = (network: Network): readonly Layer[] => network.layers

/** The number of units after the input and after each layer; undefined if a layer is of another kind. */
export function widths(network: Network): number[] | undefined {
  // Images are rows of numbers if the first layer takes them as such.
  if (network.input_shape.length !== 1 && network.layers[0]?.type !== 'flatten') return undefined
  const all = [network.input_shape.reduce((size, length) => size * length, 1)]
  for (const [i, layer] of layersOf(network).entries()) {
    const before = i ? layerName(network.layers, i - 1) : 'input'
    if (layer.input?.length && String(layer.input) !== before) return undefined
    const width = widthOf(layer, all.at(-1)!)
    if (width === undefined) return undefined
    all.push(width)
  }
  return all
}

function widthOf(layer: Layer, before: number): number | undefined {
  if (layer.type === 'dense') return layer.units
  if (layer.type === 'features')
    return layer.terms.every((term) => TERM.test(term)) ? layer.terms.length : undefined
  return ['activation', 'dropout', 'flatten', 'layer_norm', 'batch_norm'].includes(layer.type)
    ? before
    : undefined
}

/** Whether the page computes this network by itself, as maps over one or two inputs. */
export function computes(network: Network): boolean {
  const units = widths(network)
  if (!units || units[0]! > 2 || network.input_shape.length > 1) return false
  const parameters = layersOf(network).reduce(
    (sum, { type }, i) =>
      sum +
      (type === 'dense'
        ? (units[i]! + 1) * units[i + 1]!
        : type.endsWith('_norm')
          ? 2 * units[i]!
          : 0),
    0,
  )
  return parameters <= MOST_PARAMETERS
}

/**
 * The outputs of every layer, `rows × units` each, for `inputs` in the units of the data, `rows ×
 * features`; the last ones are in the units of the data, too.
 */
export function forward(
  network: Network,
  parameters: Parameters,
  inputs: Float32Array,
  rows: number,
): Float32Array[] {
  let before = shifted(inputs, parameters, 'scaling')
  const outputs = layersOf(network).map((layer, i) => {
    const arrays = (name: string) => parameters.get(`${layerName(network.layers, i)}.${name}`)
    return (before = layerOutputs(layer, arrays, before, rows))
  })
  const last = outputs.length - 1
  outputs[last] = shifted(outputs[last]!, parameters, 'target_scaling')
  return outputs
}

/** Inputs as the network takes them, or its outputs in the units of the data. */
function shifted(
  values: Float32Array,
  parameters: Parameters,
  name: 'scaling' | 'target_scaling',
): Float32Array {
  const [shift, scale] = [parameters.get(`${name}.shift`), parameters.get(`${name}.scale`)]
  if (!shift || !scale) return values
  return values.map((value, i) => {
    const at = i % shift.length
    return name === 'scaling' ? (value - shift[at]!) / scale[at]! : value * scale[at]! + shift[at]!
  })
}

function layerOutputs(
  layer: Layer,
  arrays: (name: string) => Float32Array | undefined,
  inputs: Float32Array,
  rows: number,
): Float32Array {
  const width = inputs.length / rows
  switch (layer.type) {
    case 'dense': {
      const [weight, bias] = [arrays('weight')!, arrays('bias')]
      return byRow(rows, layer.units, (sums, row) => {
        if (bias) sums.set(bias)
        else sums.fill(0)
        for (let from = 0; from < width; from++) {
          const input = inputs[row * width + from]!
          for (let to = 0, at = from * sums.length; to < sums.length; to++, at++)
            sums[to]! += input * weight[at]!
        }
        activate(sums, layer.activation ?? 'linear')
      })
    }
    case 'activation':
      return byRow(rows, width, (sums, row) => {
        sums.set(inputs.subarray(row * width, (row + 1) * width))
        activate(sums, layer.activation)
      })
    case 'features': {
      const terms = layer.terms.map(termOf)
      return byRow(rows, terms.length, (sums, row) =>
        terms.forEach((term, i) => (sums[i] = term(inputs, row * width))),
      )
    }
    case 'layer_norm':
    case 'batch_norm': {
      const [scale, shift] = [arrays('scale')!, arrays('shift')!]
      const running = layer.type === 'batch_norm' && {
        mean: arrays('mean')!,
        variance: arrays('variance')!,
      }
      return byRow(rows, width, (sums, row) => {
        sums.set(inputs.subarray(row * width, (row + 1) * width))
        const mean = sums.reduce((sum, x) => sum + x, 0) / width
        const variance = sums.reduce((sum, x) => sum + (x - mean) ** 2, 0) / width
        for (let i = 0; i < width; i++) {
          const [m, v] = running ? [running.mean[i]!, running.variance[i]!] : [mean, variance]
          const normal = (sums[i]! - m) / Math.sqrt(v + (layer.epsilon ?? 1e-5))
          sums[i] = normal * scale[i]! + shift[i]!
        }
      })
    }
    default:
      return inputs
  }
}

/** Fill `rows × units` with the sums of each row, computed as 64-bit numbers. */
function byRow(
  rows: number,
  units: number,
  fill: (sums: Float64Array, row: number) => void,
): Float32Array {
  const outputs = new Float32Array(rows * units)
  const sums = new Float64Array(units)
  for (let row = 0; row < rows; row++) {
    fill(sums, row)
    outputs.set(sums, row * units)
  }
  return outputs
}
