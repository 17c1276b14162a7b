/** Expected results of presets, and whether a run met them. */
import { fixed, toNumber, type Schemas } from '../lib/api'

type Bounds = Pick<Schemas['Expectation'], 'minimum' | 'maximum'>

export function met({ minimum, maximum }: Bounds, value: number): boolean {
  return (
    Number.isFinite(value) &&
    (minimum === null || value >= toNumber(minimum)) &&
    (maximum === null || value <= toNumber(maximum))
  )
}

/** Format as `at least 97 %`, `at most 0.05` or `0.04 to 0.19`. */
export function expectation(metric: string, { minimum, maximum }: Bounds): string {
  const percent = metric.endsWith('accuracy')
  const show = (bound: NonNullable<Bounds['minimum']>) =>
    percent
      ? `${fixed(100 * toNumber(bound), 1).replace(/\.0$/, '')} %`
      : String(Number(toNumber(bound).toPrecision(3)))
  if (maximum === null)
    return minimum === null
      ? 'any value'
      : percent && toNumber(minimum) === 1
        ? '100 %'
        : `at least ${show(minimum)}`
  return minimum === null ? `at most ${show(maximum)}` : `${show(minimum)} to ${show(maximum)}`
}
