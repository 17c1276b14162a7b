/** The activations of the service as formulas of the page. */
import type { Schemas } from '@epochal/client'

export type Activation = NonNullable<Schemas['DenseSpec']['activation']>

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x))
const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))

/** Half the time of `Math.tanh`, as 64-bit numbers leave enough of the 32 that are stored. */
const tanh = (x: number): number => (Math.abs(x) < 1e-4 ? x : 1 - 2 / (1 + Math.exp(2 * x)))

/** 1 - erf(x) with a relative error below 1.2e-7 (Press et al., Numerical Recipes, 6.2). */
function erfc(x: number): number {
  const t = 1 / (1 + Math.abs(x) / 2)
  const power = ERFC.reduceRight((sum, coefficient) => coefficient + t * sum, 0)
  const value = t * Math.exp(power - x * x)
  return x < 0 ? 2 - value : value
}
const ERFC = [
  -1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806, 0.27886807, -1.13520398, 1.48851587,
  -0.82215223, 0.17087277,
]

const SELU_SCALE = 1.0507009873554805
const SELU_ALPHA = 1.6732632423543772

/** All activations of the service but softmax, which depends on the other sums of its layer. */
export const ACTIVATIONS: Record<Exclude<Activation, 'softmax'>, (x: number) => number> = {
  linear: (x) => x,
  step: (x) => (x >= 0 ? 1 : 0),
  sigmoid,
  tanh,
  softsign: (x) => x / (1 + Math.abs(x)),
  relu: (x) => Math.max(x, 0),
  leaky_relu: (x) => (x > 0 ? x : 0.01 * x),
  softplus,
  elu: (x) => (x > 0 ? x : Math.expm1(x)),
  selu: (x) => SELU_SCALE * (x > 0 ? x : SELU_ALPHA * Math.expm1(x)),
  gelu: (x) => 0.5 * x * erfc(-x / Math.SQRT2),
  gelu_tanh: (x) => x * sigmoid(2 * Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)),
  silu: (x) => x * sigmoid(x),
  mish: (x) => x * tanh(softplus(x)),
}

/** Apply an activation to the sums of one sample. */
export function activate(sums: Float64Array, activation: Activation): void {
  if (activation !== 'softmax') {
    if (activation === 'linear') return
    const f = ACTIVATIONS[activation]
    for (let i = 0; i < sums.length; i++) sums[i] = f(sums[i]!)
    return
  }
  let most = -Infinity
  for (const sum of sums) most = Math.max(most, sum)
  let total = 0
  for (let i = 0; i < sums.length; i++) total += sums[i] = Math.exp(sums[i]! - most)
  for (let i = 0; i < sums.length; i++) sums[i]! /= total
}
