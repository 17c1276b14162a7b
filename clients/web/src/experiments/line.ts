/** The line of one unit with two inputs at each epoch, and the samples on its wrong side. */
import type { Schemas } from '@epochal/client'
import { toNumber, toNumbers } from '../lib/api/numbers'

export interface LineAt {
  epoch: number
  line: { w1: number; w2: number; bias: number }
  /** Whether each sample is on the wrong side. */
  wrong: boolean[]
}

export function linesOf(
  samples: Schemas['SamplePredictions'],
  weights: readonly Schemas['Weights'][],
): LineAt[] {
  return weights.map(({ epoch, layers }) => {
    const values = (array: string) =>
      toNumbers(layers[0]?.arrays.find((item) => item.name === array)?.values ?? [])
    const [w1 = NaN, w2 = NaN] = values('weight')
    const line = { w1, w2, bias: values('bias')[0] ?? 0 }
    return { epoch, line, wrong: samples.samples.map((sample) => isWrong(sample, line)) }
  })
}

/** The unit fires where its weighted sum reaches 0. */
function isWrong(sample: Schemas['SamplePrediction'], { w1, w2, bias }: LineAt['line']): boolean {
  const [x, y] = [toNumber(sample.inputs[0]!), toNumber(sample.inputs[1]!)]
  return Number(w1 * x + w2 * y + bias >= 0) !== sample.target_class
}
