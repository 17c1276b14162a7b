/** Parser for the plain-text formulas of the service, for typesetting. */

export interface Piece {
  kind: 'name' | 'number' | 'word' | 'sign'
  text: string
  /** Subscript and superscript. */
  sub?: string
  sup?: string
}

const SUBS = '₀₁₂₃₄₅₆₇₈₉₊₋ᵢⱼₖₙₗₘₜₓ‚'
const SUB_PLAIN = '0123456789+−ijknlmtx,'
const SUPS = '⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ᵀⁿᵢ'
const SUP_PLAIN = '0123456789+−Tni'
const WORDS = new Set([
  'exp',
  'log',
  'ln',
  'log2',
  'max',
  'min',
  'tanh',
  'sin',
  'cos',
  'step',
  'sigmoid',
  'relu',
  'softmax',
  'sum',
  'mean',
  'erf',
  'sign',
  'if',
  'else',
  'so',
  'the',
  'all',
  'its',
  'by',
  'to',
  'in',
  'with',
  'or',
  'and',
  'otherwise',
  'where',
  'for',
  'of',
  'is',
  'sqrt',
  'sech',
  'cosh',
  'sinh',
  'clip',
  'abs',
  'leaky_relu',
  'gelu_tanh',
])

const SHAPE = new RegExp(
  [
    `(?<number>\\d+(?:[.,]\\d+)*(?:e[-−+]?\\d+)?)`,
    `(?<name>[\\p{L}∂∇](?:[\\p{L}']*)(?:_?[0-9]+(?:,[0-9]+|,[ijk](?!\\p{L}))*|_[\\p{L}0-9]+)?)`,
    `(?<space>\\s+)`,
    `(?<sign>.)`,
  ].join('|'),
  'gu',
)

/** `wᵢ,4` has two indices; the second follows a plain comma. */
const SECOND_INDEX = /(?<=[ᵢⱼₖ₀-₉]),(\d+)/gu

const plain = (text: string, from: string, to: string) =>
  [...text].map((c) => to[[...from].indexOf(c)] ?? c).join('')

/** Split a formula: `z = w1·x1 + b` has the names z, w₁, x₁ and b, and signs between them. */
export function pieces(formula: string): Piece[] {
  const match: Piece[] = []
  const last = () => match.at(-1)
  for (const { groups } of formula
    .replace(SECOND_INDEX, (_, index: string) => '‚' + plain(index, SUB_PLAIN, SUBS))
    .matchAll(SHAPE)) {
    const { number, name, space, sign } = groups as Record<string, string | undefined>
    if (number !== undefined) match.push(counted(number))
    else if (name !== undefined) match.push(...named(name))
    else if (space !== undefined) match.push({ kind: 'sign', text: ' ' })
    else if (sign !== undefined) {
      const before = last()
      if (before && SUBS.includes(sign))
        before.sub = (before.sub ?? '') + plain(sign, SUBS, SUB_PLAIN)
      else if (before && SUPS.includes(sign))
        before.sup = (before.sup ?? '') + plain(sign, SUPS, SUP_PLAIN)
      else match.push({ kind: 'sign', text: sign === '-' ? '−' : sign })
    }
  }
  return match
}

/** Split a number: `1.2e-05` is 1.2×10 to the power of −5. */
function counted(text: string): Piece {
  const [digits, power] = text.split('e')
  if (power === undefined) return { kind: 'number', text }
  return {
    kind: 'number',
    text: `${digits}×10`,
    sup: String(Number(power.replace('−', '-'))).replace('-', '−'),
  }
}

function named(text: string): Piece[] {
  // `δk` is the δ of unit k.
  if (/^\p{Script=Greek}[ijk]$/u.test(text)) return [{ kind: 'name', text: text[0]!, sub: text[1] }]
  const [, stem = text, small] =
    /^(.*?)_?([0-9]+(?:,[0-9ijk]+)*|(?<=_)[\p{L}0-9]+)?$/u.exec(text) ?? []
  const [head, low] = split(stem, SUBS, SUB_PLAIN)
  const [root, high] = split(head, SUPS, SUP_PLAIN)
  const sub = low || small
  if (WORDS.has(text) || WORDS.has(root))
    return [
      { kind: 'word', text: WORDS.has(text) ? text : root, sub: WORDS.has(text) ? undefined : sub },
    ]
  // `∂L` and `Σx` are a sign and a name.
  const sign = /^[∂∇ΣΠ](?=.)/u.exec(root)?.[0]
  const pieces: Piece[] = sign ? [{ kind: 'sign', text: sign }] : []
  const rest = sign ? root.slice(sign.length) : root
  const kind = rest.replace("'", '').length > 3 ? 'word' : 'name'
  pieces.push({
    kind: /^[ΣΠ∂∇]$/u.test(rest) ? 'sign' : kind,
    text: rest,
    sub: sub || undefined,
    sup: high || undefined,
  })
  return pieces
}

function split(text: string, from: string, to: string): [string, string] {
  let end = text.length
  while (end > 0 && from.includes(text[end - 1]!)) end--
  return [text.slice(0, end), plain(text.slice(end), from, to)]
}
