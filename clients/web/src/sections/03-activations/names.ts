/** Display names of the activations. */
import type { Schemas } from '../../lib/api'

export type Name = Schemas['SimulateActivationRequest']['activations'][number]

const WRITTEN: Partial<Record<Name, string>> = {
  relu: 'ReLU',
  leaky_relu: 'leaky ReLU',
  elu: 'ELU',
  selu: 'SELU',
  gelu: 'GELU',
  gelu_tanh: 'GELU (tanh)',
  silu: 'SiLU',
  mish: 'Mish',
}

export const written = (name: Name): string => WRITTEN[name] ?? name
