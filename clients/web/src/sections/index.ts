/** The sections of the journey, in order. */
import type { SectionEntry } from './entry'
import { network } from './01-network'
import { neuron } from './02-neuron'
import { activations } from './03-activations'
import { architecture } from './04-architecture'
import { forward } from './05-forward'
import { loss } from './06-loss'
import { backpropagation } from './07-backpropagation'
import { training } from './08-training'
import { zoo } from './09-zoo'
import { timeline } from './10-timeline'
import { language } from './11-language'

export const sections: readonly SectionEntry[] = [
  network,
  neuron,
  activations,
  architecture,
  forward,
  loss,
  backpropagation,
  training,
  zoo,
  timeline,
  language,
]
