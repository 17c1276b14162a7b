/** The settings as JSON, Python and a curl command. */
import type { Spec } from './spec'

export function toJson(spec: Spec): string {
  return pretty(spec, '', { true: 'true', false: 'false' })
}

export function toPython(spec: Spec, url: string): string {
  return [
    'import epochal',
    '',
    `client = epochal.Client(${JSON.stringify(url)})`,
    `job = client.jobs.create(${pretty(spec, '', { true: 'True', false: 'False' })})`,
    'job.wait()',
    'print(job)',
  ].join('\n')
}

export function toCurl(spec: Spec, url: string): string {
  // Close the shell string, add an escaped quote, and open the string again.
  const body = toJson(spec).replaceAll("'", `'\\''`)
  return `curl ${url}/v1/jobs --json '${body}'`
}

const WIDTH = 88

/** Format as JSON, with short values on one line. */
function pretty(value: unknown, indent: string, words: Record<'true' | 'false', string>): string {
  const line = inline(value, words)
  if (typeof value !== 'object' || value === null || indent.length + line.length <= WIDTH)
    return line
  const inner = `${indent}  `
  const parts = Array.isArray(value)
    ? value.map((element) => inner + pretty(element, inner, words))
    : Object.entries(value).map(
        ([name, element]) => `${inner}${JSON.stringify(name)}: ${pretty(element, inner, words)}`,
      )
  const [open, close] = Array.isArray(value) ? '[]' : '{}'
  return `${open}\n${parts.join(',\n')}\n${indent}${close}`
}

function inline(value: unknown, words: Record<'true' | 'false', string>): string {
  if (typeof value === 'boolean') return words[value ? 'true' : 'false']
  if (Array.isArray(value)) return `[${value.map((element) => inline(element, words)).join(', ')}]`
  if (typeof value === 'object' && value !== null) {
    const parts = Object.entries(value).map(
      ([name, element]) => `${JSON.stringify(name)}: ${inline(element, words)}`,
    )
    return `{${parts.join(', ')}}`
  }
  return JSON.stringify(value)
}
