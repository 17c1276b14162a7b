/** Numbers of the API: what is not finite travels as a string, and is a number again in here. */

export type WireNumber = number | 'NaN' | 'Infinity' | '-Infinity'

export function toNumber(value: WireNumber): number {
  return typeof value === 'number' ? value : Number(value)
}

export function toNumbers(values: readonly WireNumber[]): number[] {
  return values.map(toNumber)
}

const RAISED = '⁰¹²³⁴⁵⁶⁷⁸⁹'

/** `10⁻⁸` */
export function powerOfTen(power: number): string {
  return `10${power < 0 ? '⁻' : ''}${[...String(Math.abs(power))].map((digit) => RAISED[Number(digit)]).join('')}`
}

/** Four significant digits, as one writes them by hand: `0.35`, `1.2×10⁻⁵`, `10⁻⁸`. */
export function format(value: number, digits = 4): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '−∞'
  if (value === 0) return '0'
  const size = Math.abs(value)
  const text =
    size >= 1e6 || size < 1e-4
      ? scientific(value, digits)
      : size >= 10 ** digits
        ? Math.round(value).toLocaleString('en-US')
        : String(Number(value.toPrecision(digits)))
  return text.replace(/-/g, '−')
}

function scientific(value: number, digits: number): string {
  const [first = '', power] = value.toExponential(digits - 1).split('e')
  const ten = powerOfTen(Number(power))
  const times = Number(first)
  return Math.abs(times) === 1 ? `${times < 0 ? '-' : ''}${ten}` : `${times}×${ten}`
}

/** A text of the service, its numbers as `format` writes them: `from 1e+06 to -0.1`. */
export function readable(text: string): string {
  const digits = (found: string) => found.replace(/e.*/, '').replace(/\D/g, '').length
  return text
    .replace(/\b\d+(\.\d+)?e[-+]?\d+\b/g, (found) => format(Number(found), digits(found)))
    .replace(/(?<![\w.)])-(?=\.?\d)/g, '−')
}

/** With this many decimals whatever the size, so that a number that moves keeps its width. */
export function fixed(value: number, decimals = 2): string {
  if (!Number.isFinite(value)) return format(value)
  return value
    .toFixed(decimals)
    .replace(/^-(0(\.0*)?)$/, '$1')
    .replace('-', '−')
}

/** Whole numbers in words that a person keeps in mind: `46`, `61,706`, `1.76 trillion`. */
export function count(value: number): string {
  const names: [number, string][] = [
    [1e12, 'trillion'],
    [1e9, 'billion'],
    [1e6, 'million'],
  ]
  for (const [size, name] of names) {
    if (Math.abs(value) >= size) return `${Number((value / size).toPrecision(3))} ${name}`
  }
  return value.toLocaleString('en-US', { maximumFractionDigits: 2 })
}

/** An amount of memory: `104 bytes`, `1.57 kB`, `138 GB`, a thousand of one making the next. */
export function bytes(value: number): string {
  if (value < 1000) return `${format(value)} ${value === 1 ? 'byte' : 'bytes'}`
  const units = ['kB', 'MB', 'GB', 'TB', 'PB', 'EB']
  const power = Math.min(Math.floor(Math.log10(value) / 3 + 1e-9), units.length)
  return `${format(value / 1000 ** power, 3)} ${units[power - 1]}`
}
