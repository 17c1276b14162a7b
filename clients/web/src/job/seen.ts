/** Samples as the page draws them: which numbers they have, and what the network makes of them. */
import { toNumber, toNumbers, type WireNumber } from '../lib/api/numbers'
import type { Schemas } from '../lib/api/client'
import { seriesColor } from '../lib/charts/colors'
import type { Domain } from '../lib/charts/scale'

export type Sample = Schemas['SamplePrediction']
export type Seen = Schemas['SamplePredictions']

export const size = (shape: readonly number[]): number => shape.reduce((all, each) => all * each, 1)

/** The extent of one input over the samples, with a tenth of it on each side. */
export function reach(samples: readonly Sample[], feature: number): Domain {
  let [low, high] = [Infinity, -Infinity]
  for (const sample of samples) {
    const value = toNumber(sample.inputs[feature] ?? NaN)
    if (value < low) low = value
    if (value > high) high = value
  }
  if (low > high) return [-1, 1]
  const margin = (high - low) / 10 || 1
  return [low - margin, high + margin]
}

/** Of two classes the second is the yes of a map, which is blue; more have the palette's colors. */
export function classColor(index: number, classes: number): string {
  if (classes <= 2) return `var(--${index === 1 ? 'positive' : 'negative'})`
  // There are seven colors; the classes after these have darker ones.
  return index < 7
    ? seriesColor(index)
    : `color-mix(in oklab, ${seriesColor(index)} 55%, var(--ink))`
}

export function wrong(sample: Sample): boolean {
  return sample.target_class !== null && sample.target_class !== sample.predicted_class
}

/** A class in words; where there is none, since a place does not count or an output is not a number, a dot. */
export function named(names: readonly string[], index: number | null): string {
  return index === null || index < 0 ? '·' : (names[index] ?? String(index))
}

/** The largest of a row and its place. */
export function top(row: readonly WireNumber[]): { index: number; value: number } {
  const values = toNumbers(row)
  let index = 0
  values.forEach((value, i) => {
    if (value > values[index]!) index = i
  })
  return { index, value: values[index] ?? NaN }
}

/** Places of a sequence that count. */
export function counted(sample: Sample): number {
  return sample.target_classes.filter((target) => target >= 0).length
}

/** Those among them at which the network is wrong. */
export function missed(sample: Sample): number {
  return sample.target_classes.filter(
    (target, i) => target >= 0 && target !== sample.predicted_classes[i],
  ).length
}

/** What a network says that answers with one number: 0 to 1 for a probability, about 0 for a score. */
export function answerRange(loss: string): Domain {
  return loss === 'hinge' ? [-1, 1] : [0, 1]
}

export function targetRange(samples: readonly Sample[]): Domain {
  const values = samples.map((each) => toNumber(each.target[0] ?? NaN)).filter(Number.isFinite)
  const [low, high] = [Math.min(...values), Math.max(...values)]
  return low < high ? [low, high] : [low - 1, low + 1]
}

/** A token by itself, so that it can be seen. */
export const glyph = (name: string): string => (name === '\n' ? '↵' : name === ' ' ? '␣' : name)
