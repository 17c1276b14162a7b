/** Samples of a diffusion network at each step from noise, ready to be drawn. */
import { toNumbers } from '../lib/api/numbers'
import type { Schemas } from '../lib/api'
import { extent, type Domain } from '../lib/charts/scale'

export type Generation = Schemas['Generation']

export interface Frame {
  /** Steps from the noise. */
  done: number
  rows: number[][]
}

export interface Denoised {
  frames: Frame[]
  /** Steps from the noise to the samples. */
  steps: number
  names: string[]
  /** Height and width of samples that are images. */
  image?: number[]
  /** Names of all classes; empty without classes. */
  classNames: string[]
  /** The class of each sample. */
  classes: number[]
  /** Domains of the first two features: the noise is wider than the data and the samples. */
  domains: [Domain, Domain]
  /** The range of all numbers of the samples. */
  range: Domain
}

/** Return what the reply about a diffusion network shows; undefined for other replies. */
export function denoised(reply: Generation | undefined): Denoised | undefined {
  const about = reply?.diffusion
  if (!about) return undefined
  const frames = reply.denoised.map(({ step, samples }) => ({
    done: about.steps - step,
    rows: samples.map(toNumbers),
  }))
  const last = frames.at(-1)?.rows ?? []
  const ends = [...(frames[0]?.rows ?? []), ...last]
  const domain = (axis: number) =>
    extent(
      'linear',
      ends.map((row) => row[axis] ?? 0),
      0.05,
    )
  return {
    frames,
    steps: about.steps,
    names: about.feature_names,
    ...(about.image_shape.length >= 2 ? { image: about.image_shape } : {}),
    classNames: about.class_names,
    classes: about.classes,
    domains: [domain(0), about.feature_names.length > 1 ? domain(1) : [-1, 1]],
    range: extent('linear', last.flat(), 0),
  }
}

/** The name of the class of a sample; undefined without classes. */
export const className = ({ classNames, classes }: Denoised, sample: number): string | undefined =>
  classNames[classes[sample] ?? -1]

/** The samples of these frames as a table. */
export function samplesTable(of: Denoised, frames: readonly Frame[]) {
  const hasClasses = of.classNames.length > 0
  return {
    columns: ['steps', 'sample', ...(hasClasses ? ['class'] : []), ...of.names],
    rows: frames.flatMap(({ done, rows }) =>
      rows.map((row, i) => [done, i + 1, ...(hasClasses ? [className(of, i) ?? ''] : []), ...row]),
    ),
  }
}
