/** The losses of the service of one sample, from the outputs and targets of its network. */

type Loss = (outputs: readonly number[], targets: readonly number[], option: number) => number

const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0)
const mean = (each: (output: number, target: number, option: number) => number): Loss => {
  return (outputs, targets, option) =>
    sum(outputs.map((output, i) => each(output, targets[i]!, option))) / outputs.length
}
/** As small as the logarithm of the service becomes. */
const log = (value: number): number => Math.max(Math.log(value), SMALLEST_LOG)
const SMALLEST_LOG = -100

const huber = mean((output, target, delta) => {
  const size = Math.abs(output - target)
  const near = Math.min(size, delta)
  return near * (size - 0.5 * near)
})
const focal = mean(
  (p, y, gamma) => -(y * (1 - p) ** gamma * log(p) + (1 - y) * p ** gamma * log(1 - p)),
)

/** Each loss with its option and the default of it. */
const LOSSES: Record<string, { of: Loss; option?: [string, number] }> = {
  mse: { of: mean((output, target) => (output - target) ** 2) },
  mae: { of: mean((output, target) => Math.abs(output - target)) },
  huber: { of: huber, option: ['delta', 1] },
  binary_cross_entropy: { of: mean((p, y) => -(y * log(p) + (1 - y) * log(1 - p))) },
  focal: { of: focal, option: ['gamma', 2] },
  hinge: { of: mean((output, y) => Math.max(0, 1 - (2 * y - 1) * output)) },
  perceptron: { of: mean((output, y) => Math.abs(output - y)) },
  cross_entropy: {
    of: (p, y, share) => -sum(p.map((p, i) => ((1 - share) * y[i]! + share / y.length) * log(p))),
    option: ['label_smoothing', 0],
  },
}

/** The loss of a sample; NaN for a loss that is of pairs of samples. */
export function lossOf(
  name: string,
  options: Readonly<Record<string, unknown>>,
  outputs: readonly number[],
  targets: readonly number[],
): number {
  const loss = LOSSES[name]
  if (!loss) return NaN
  const [option, otherwise] = loss.option ?? ['', 0]
  return loss.of(outputs, targets, Number(options[option] ?? otherwise))
}
