/** Format a duration for people: `8.46 ms`, `468.7 ms`, `2.5 s`, `3.2 hours`. */
import { format } from '../../lib/api'

const UNITS: readonly [number, string][] = [
  [86_400 * 365.25, 'years'],
  [86_400 * 2, 'days'],
  [3600 * 2, 'hours'],
  [120, 'minutes'],
  [1, 's'],
  [1e-3, 'ms'],
  [1e-6, 'µs'],
  [0, 'ns'],
]
const SIZE: Record<string, number> = {
  years: 86_400 * 365.25,
  days: 86_400,
  hours: 3600,
  minutes: 60,
  s: 1,
  ms: 1e-3,
  µs: 1e-6,
  ns: 1e-9,
}

export function time(seconds: number): string {
  const unit = UNITS.find(([from]) => seconds >= from)?.[1] ?? 's'
  return `${format(seconds / SIZE[unit]!)} ${unit}`
}
