/** A forward pass with other numbers, until the service replies; its texts are still the earlier ones. */
import { activate, type Activation } from '../../bench/activations'
import type { Schemas } from '../../lib/api'
import type { given } from './network'

interface Request {
  network: { layers: readonly { activation?: Activation }[] }
  input: readonly number[]
  weights: ReturnType<typeof given>
}

export function draft(
  last: Schemas['ForwardSimulation'],
  { network, input, weights }: Request,
): Schemas['ForwardSimulation'] {
  let before: readonly number[] = input
  const layers = last.layers.map((layer, l) => {
    const { weight, bias } = weights[l]!
    const products = bias.map((_, to) => before.map((value, from) => value * weight[from]![to]!))
    const sums = products.map((row, to) => row.reduce((sum, product) => sum + product, bias[to]!))
    const outputs = Float64Array.from(sums)
    activate(outputs, network.layers[l]!.activation ?? 'linear')
    const inputs = [[...before]]
    before = [...outputs]
    const units = layer.units.map((unit, to) => ({
      products: products[to]!,
      weighted_sum: unit.weighted_sum && { ...unit.weighted_sum, value: sums[to]! },
      output: { ...unit.output, value: outputs[to]! },
    }))
    return { ...layer, inputs, units, output: [...outputs] }
  })
  return { ...last, layers, output: layers.at(-1)!.output }
}
