/** Paths of fields: `jobs.xor.network.layers[0].units`. */
import type { Path } from '../lab/spec'

/** The steps of a path: `['jobs', 'xor', 'network', 'layers', 0, 'units']`. */
export const steps = (path: string): Path =>
  [...path.matchAll(/\.?([^.[\]]+)|\[(\d+)\]/g)].map(([, name, index]) => name ?? Number(index))

/** The title of a field: `Learning rate`, with the job where there are several: `cnn: Epochs`. */
export function fieldTitle(path: string, jobs: number): string {
  const [, job, ...rest] = steps(path)
  const last = rest.filter((step) => step !== 'network' || rest.length === 1).join(' ')
  const words = last.replaceAll('_', ' ')
  const title = words.charAt(0).toUpperCase() + words.slice(1)
  return jobs > 1 ? `${job}: ${title}` : title
}

const CANDIDATES = [
  'network.layers',
  'optimizer',
  'schedule',
  'epochs',
  'batch_size',
  'regularization',
  'clipping',
  'augmentation',
  'early_stopping',
  'validation_fraction',
]

/** Fields of a job that an exercise can leave open. */
export const candidates = (job: string): string[] =>
  CANDIDATES.map((field) => `jobs.${job}.${field}`)
