/** Steps of the backward pass, and the weights of the network after one gradient step. */
import type { Schemas } from '@epochal/client'
import { SIZES as UNITS } from '../05-forward/network'

export { UNITS }
export const LAYERS = ['dense_1', 'dense_2', 'dense_3'] as const
export const PARAMETERS = 46

type Weights = { weight: readonly (readonly number[])[]; bias: readonly number[] }

/** All parameters in one list: for each layer the weights, row by row, then the biases. */
export function flat(layers: readonly Weights[]): number[] {
  return layers.flatMap(({ weight, bias }) => [...weight.flat(), ...bias])
}

/** All parameters after the gradient step that the service computed. */
export function after(layers: readonly Schemas['BackwardLayer'][]): number[] {
  const part = (layer: string, name: string) =>
    layers
      .find((candidate) => candidate.name === layer)!
      .parameters.find((parameter) => parameter.name === name)!.values_after as number[][]
  return flat(
    LAYERS.map((layer) => ({ weight: part(layer, 'weight'), bias: part(layer, 'bias')[0]! })),
  )
}

export type Stage =
  { kind: 'loss' } | { kind: 'unit'; layer: number; unit: number } | { kind: 'update' }

/** From the loss back to the first layer, unit by unit, then the update. Layer 0 is the input. */
export const STAGES: readonly Stage[] = [
  { kind: 'loss' },
  ...[3, 2, 1].flatMap((layer) =>
    range(UNITS[layer]!).map((unit): Stage => ({ kind: 'unit', layer, unit })),
  ),
  { kind: 'update' },
]

export function stageOf(layer: number, unit: number): number {
  return STAGES.findIndex(
    (stage) => stage.kind === 'unit' && stage.layer === layer && stage.unit === unit,
  )
}

const NAMES = ['input', 'hidden 1', 'hidden 2', 'output']

export function nameOf(stage: Stage): string {
  if (stage.kind === 'unit') return `${NAMES[stage.layer]}, unit ${stage.unit + 1}`
  return stage.kind === 'loss' ? 'loss' : 'update'
}

function range(n: number): number[] {
  return [...Array(n).keys()]
}
