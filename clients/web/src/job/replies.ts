/** Replies about a network, as the service gives them, that the page computes from the weights. */
import type { Schemas } from '@epochal/client'
import { forward, type Network, type Parameters } from '../bench/forward'
import { gridOf } from '../bench/maps'
import { toNumber, toNumbers } from '../lib/api/numbers'
import { lossOf } from './losses'
import type { Seen } from './seen'
import { layerName } from './texts'

export type Bounds = Schemas['BoundsSpec']

/** A network with the weights of an epoch. */
export interface Trained {
  epoch: number
  spec: Pick<Schemas['TrainingSpecOutput'], 'loss' | 'loss_options'>
  network: Network
  parameters: Parameters
}

function outputsOf(
  { network, parameters }: Trained,
  rows: readonly (readonly number[])[],
): number[][] {
  const inputs = Float32Array.from(rows.flat())
  return rowsOf(forward(network, parameters, inputs, rows.length).at(-1)!, rows.length)
}

function classOf({ spec }: Trained, outputs: readonly number[]): number {
  if (outputs.some(Number.isNaN)) return -1
  if (outputs.length > 1) return outputs.indexOf(Math.max(...outputs))
  return outputs[0]! >= (spec.loss === 'hinge' ? 0 : 0.5) ? 1 : 0
}

/** Predictions for a `grid` or for `inputs`; undefined for a question of another kind. */
export function predicted(
  trained: Trained,
  fields: { grid?: unknown; inputs?: unknown },
  names: readonly string[] = [],
): Schemas['Prediction'] | undefined {
  const grid = fields.grid as (Bounds & { resolution: number }) | undefined
  const given = fields.inputs as number[][] | undefined
  if (!grid && !given) return undefined
  const outputs = outputsOf(trained, grid ? pointsOf(grid, grid.resolution) : given!)
  const classes = names.length ? outputs.map((row) => classOf(trained, row)) : []
  return {
    epoch: trained.epoch,
    outputs,
    output_shape: [outputs[0]!.length],
    classes,
    labels: classes.map((index) => names[index] ?? ''),
    target_names: [],
    ...axesOf(grid, grid?.resolution ?? 0),
  }
}

/** The same samples with other predictions. */
export function sampled(trained: Trained, seen: Seen): Seen {
  const { epoch, spec, parameters } = trained
  const outputs = outputsOf(
    trained,
    seen.samples.map(({ inputs }) => toNumbers(inputs)),
  )
  const [shift, scale] = ['shift', 'scale'].map((n) => parameters.get(`target_scaling.${n}`))
  // Losses are of the numbers that the network was trained with.
  const scaled = (values: readonly number[]) =>
    values.map((value, i) =>
      shift && scale ? (value - shift[i % shift.length]!) / scale[i % scale.length]! : value,
    )
  const samples = seen.samples.map((sample, i) => {
    const predicted = seen.class_names.length ? classOf(trained, outputs[i]!) : -1
    return {
      ...sample,
      outputs: outputs[i]!,
      predicted_class: predicted < 0 ? null : predicted,
      loss: lossOf(
        spec.loss,
        spec.loss_options ?? {},
        scaled(outputs[i]!),
        scaled(toNumbers(sample.target)),
      ),
    }
  })
  return { ...seen, epoch, samples }
}

export function unitMaps(
  trained: Trained,
  bounds: Bounds,
  resolution: number,
): Schemas['UnitMaps'] {
  const { network, parameters, epoch } = trained
  const { inputs, rows } = gridOf(numbersOf(bounds), resolution)
  const layers = forward(network, parameters, inputs, rows)
  return {
    epoch,
    ...axesOf(bounds, resolution),
    layers: layers.flatMap((outputs, i) => {
      if (network.layers[i]!.type === 'dropout') return []
      const units = outputs.length / rows
      const column = (unit: number) =>
        Array.from({ length: rows }, (_, row) => outputs[row * units + unit]!)
      return {
        name: layerName(network.layers, i),
        units: Array.from({ length: units }, (_, unit) => column(unit)),
      }
    }),
  }
}

const numbersOf = ({ x_min, x_max, y_min, y_max }: Bounds) =>
  [x_min, x_max, y_min, y_max].map(toNumber)

function pointsOf(bounds: Bounds, resolution: number): number[][] {
  const { inputs, rows } = gridOf(numbersOf(bounds), resolution)
  return rowsOf(inputs, rows)
}

/** The positions of a grid along both axes. */
function axesOf(bounds: Bounds | undefined, resolution: number): { x: number[]; y: number[] } {
  if (!bounds) return { x: [], y: [] }
  const [left, right, bottom, top] = numbersOf(bounds) as [number, number, number, number]
  const along = (low: number, high: number) =>
    Array.from({ length: resolution }, (_, i) => low + (i / (resolution - 1)) * (high - low))
  return { x: along(left, right), y: along(bottom, top) }
}

function rowsOf(values: Float32Array, rows: number): number[][] {
  const width = values.length / rows
  return Array.from({ length: rows }, (_, row) => [
    ...values.subarray(row * width, (row + 1) * width),
  ])
}
