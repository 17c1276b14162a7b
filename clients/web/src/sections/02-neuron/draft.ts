/** A neuron with other numbers, until the service replies; its texts are still the earlier ones. */
import { ACTIVATIONS } from '../../bench/activations'
import type { Schemas } from '../../lib/api'

const at = (quantity: Schemas['Quantity'], value: number) => ({ ...quantity, value })

export function draft(
  last: Schemas['NeuronSimulation'],
  { inputs, weights, bias = 0 }: Schemas['SimulateNeuronRequest'],
): Schemas['NeuronSimulation'] {
  const products = inputs.map((input, i) => input * weights[i]!)
  const z = products.reduce((sum, product) => sum + product, bias)
  const y = ACTIVATIONS.sigmoid(z)
  const slope = y * (1 - y)
  return {
    ...last,
    products: last.products.map((product, i) => at(product, products[i]!)),
    weighted_sum: at(last.weighted_sum, z),
    step: at(last.step, ACTIVATIONS.step(z)),
    fires: z >= 0,
    sigmoid: at(last.sigmoid, y),
    derivative: at(last.derivative, slope),
    weight_derivatives: last.weight_derivatives.map((effect, i) => at(effect, slope * inputs[i]!)),
  }
}
