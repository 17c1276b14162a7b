/** Numbers of the API: non-finite values are strings in JSON and numbers in the page. */

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

/** The number without an exponent, which attributes such as `aria-valuemin` need. */
export function plain(value: number): string {
  return value.toLocaleString('en-US', { useGrouping: false, maximumSignificantDigits: 9 })
}

/** Format with four significant digits: `0.35`, `1.2×10⁻⁵`, `10⁻⁸`. */
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

/** Format the numbers in a text of the service, e.g. `from 1e+06 to -0.1`. */
export function readable(text: string): string {
  const digits = (match: string) => match.replace(/e.*/, '').replace(/\D/g, '').length
  return text
    .replace(/\b\d+(\.\d+)?e[-+]?\d+\b/g, (match) => format(Number(match), digits(match)))
    .replace(/(?<![\w.)])-(?=\.?\d)/g, '−')
}

/** Format with a fixed number of decimals, so that a changing number keeps its width. */
export function fixed(value: number, decimals = 2): string {
  if (!Number.isFinite(value)) return format(value)
  return value
    .toFixed(decimals)
    .replace(/^-(0(\.0*)?)$/, '$1')
    .replace('-', '−')
}

/** Format a whole number: `46`, `61,706`, `1.76 trillion`. */
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

/** Format an amount of memory with decimal units: `104 bytes`, `1.57 kB`, `138 GB`. */
export function bytes(value: number): string {
  if (value < 1000) return `${format(value)} ${value === 1 ? 'byte' : 'bytes'}`
  const units = ['kB', 'MB', 'GB', 'TB', 'PB', 'EB']
  const power = Math.min(Math.floor(Math.log10(value) / 3 + 1e-9), units.length)
  return `${format(value / 1000 ** power, 3)} ${units[power - 1]}`
}
