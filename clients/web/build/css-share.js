/** Print which share of the component lines is CSS; fail above the limit. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const LIMIT = 0.25

const files = readdirSync('src', { recursive: true })
  .filter((name) => name.endsWith('.svelte'))
  .map((name) => readFileSync(join('src', name), 'utf8'))
const lines = (text) => text.split('\n').length - 1
const all = files.reduce((sum, text) => sum + lines(text), 0)
const css = files.reduce(
  (sum, text) => sum + lines(text.match(/^<style.*?^<\/style>\n?/ms)?.[0] ?? ''),
  0,
)

const percent = (share) => `${(100 * share).toFixed(1)} %`
console.log(
  `CSS: ${css} of ${all} component lines, ${percent(css / all)} (at most ${percent(LIMIT)})`,
)
process.exitCode = css / all > LIMIT ? 1 : 0
