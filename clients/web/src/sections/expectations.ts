/** Expected results of presets, and whether a run met them. */
import { fixed, toNumber, type Schemas } from '../lib/api'

type Expectation = Schemas['Expectation']

export function met(expected: Pick<Expectation, 'value' | 'tolerance'>, value: number): boolean {
  return Math.abs(value - toNumber(expected.value)) <= toNumber(expected.tolerance)
}

/** Format as `97 % to 99 %` or `at most 0.05`; bounds that cannot be exceeded are left out. */
export function expectation(metric: string, value: number, tolerance: number): string {
  const percent = metric.endsWith('accuracy')
  const show = (number: number) =>
    percent
      ? `${fixed(100 * number, 1).replace(/\.0$/, '')} %`
      : String(Number(number.toPrecision(3)))
  if (tolerance === 0) return show(value)
  const [low, high] = [value - tolerance, value + tolerance]
  if (percent && high >= 1) return `at least ${show(low)}`
  if (!percent && low <= 0) return `at most ${show(high)}`
  return `${show(low)} to ${show(high)}`
}
