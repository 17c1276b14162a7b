/** Samples with their predictions, as the page draws them. */
import { toNumber, toNumbers, type WireNumber } from '../lib/api/numbers'
import type { Schemas } from '@epochal/client'
import { seriesColor } from '../lib/charts/colors'
import type { Domain } from '../lib/charts/scale'

export type Sample = Schemas['SamplePrediction']
export type Seen = Schemas['SamplePredictions']

export const size = (shape: readonly number[]): number =>
  shape.reduce((all, length) => all * length, 1)

/** Range of one input over the samples, with a margin of a tenth on each side. */
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

/** Color of a class: blue for the second of two classes; the palette for more classes. */
export function classColor(index: number, classes: number): string {
  if (classes <= 2) return `var(--${index === 1 ? 'positive' : 'negative'})`
  // The palette has seven colors; further classes get darker versions.
  return index < 7
    ? seriesColor(index)
    : `color-mix(in oklab, ${seriesColor(index)} 55%, var(--ink))`
}

export function wrong(sample: Sample): boolean {
  return sample.target_class !== null && sample.target_class !== sample.predicted_class
}

/** Name of a class; a dot if there is none, because a position does not count or is not finite. */
export function named(names: readonly string[], index: number | null): string {
  return index === null || index < 0 ? '·' : (names[index] ?? String(index))
}

/** The largest value of a row and its index. */
export function top(row: readonly WireNumber[]): { index: number; value: number } {
  const values = toNumbers(row)
  let index = 0
  values.forEach((value, i) => {
    if (value > values[index]!) index = i
  })
  return { index, value: values[index] ?? NaN }
}

/** Number of positions of a sequence that count. */
export function counted(sample: Sample): number {
  return sample.target_classes.filter((target) => target >= 0).length
}

/** Number of counted positions with a wrong prediction. */
export function missed(sample: Sample): number {
  return sample.target_classes.filter(
    (target, i) => target >= 0 && target !== sample.predicted_classes[i],
  ).length
}

/** Range of a single output: 0 to 1 for a probability, centered on 0 for a logit. */
export function answerRange(loss: string): Domain {
  return loss === 'hinge' ? [-1, 1] : [0, 1]
}

/** Range of one number of the targets. */
export function targetRange(samples: readonly Sample[], index = 0): Domain {
  const values = samples
    .map((sample) => toNumber(sample.target[index] ?? NaN))
    .filter(Number.isFinite)
  const [low, high] = [Math.min(...values), Math.max(...values)]
  return low < high ? [low, high] : [low - 1, low + 1]
}

/** A token with visible symbols for line breaks and for the space that it is or begins with. */
export const glyph = (name: string): string => name.replaceAll('\n', '↵').replace(/^ /, '␣')
