/** Network templates that suit the data. */
import type { Look } from './lab.svelte'
import { endingIn, outputFor, type Facts, type Layer, type Loss } from './spec'

export interface Template {
  name: string
  layers: Layer[]
}

type Activation = 'tanh' | 'relu'

/** Whether most targets are the next token of the inputs; the first inputs may be only read. */
export function isNextToken({ inputs, targets }: Pick<Look, 'inputs' | 'targets'>): boolean {
  let [same, all] = [0, 0]
  targets.forEach((row, i) => {
    const read = inputs[i]!
    const from = read.length - row.length + 1
    row.slice(0, -1).forEach((target, j) => {
      all += 1
      if (target === read[from + j] || target === -1) same += 1
    })
  })
  return same > 0.9 * all
}

/** Networks for tokens: one output for each position, or for the whole sequence. */
function ofTokens(facts: Facts, isCausal: boolean): Template[] {
  const isSequence = facts.task === 'sequence'
  const unread = isSequence ? facts.features - facts.targets : 0
  const embedding = { type: 'embedding', vocabulary: facts.tokens, units: 64 } satisfies Layer
  const block = {
    type: 'transformer_block',
    heads: 4,
    hidden: 128,
    ...(isCausal ? { causal: true } : {}),
  } satisfies Layer
  const written: Layer[] = unread ? [{ type: 'slice', start: unread }] : []
  return [
    {
      name: 'recurrent',
      layers: [embedding, { type: 'gru', units: 64, return_sequences: isSequence }, ...written],
    },
    {
      name: 'transformer',
      layers: [
        embedding,
        { type: 'positional_encoding', kind: 'learned' },
        block,
        block,
        { type: 'layer_norm' },
        ...(isSequence ? written : [{ type: 'flatten' } satisfies Layer]),
      ],
    },
  ]
}

export function templates(
  facts: Facts,
  loss: Loss,
  side: number | undefined,
  isCausal = false,
): Template[] {
  const activation: Activation = facts.features > 8 ? 'relu' : 'tanh'
  const width = facts.features > 8 ? 32 : 8
  const { units, activation: last } = outputFor(loss, facts)
  const deep = (number: number): Layer[] =>
    Array.from({ length: number }, () => ({ type: 'dense', units: width, activation }))
  const match: Template[] = facts.tokens
    ? ofTokens(facts, isCausal)
    : [
        { name: 'none', layers: [] },
        { name: 'one', layers: deep(1) },
        { name: 'two', layers: deep(2) },
        { name: 'six', layers: deep(6) },
      ]
  if (side && side >= 4) {
    match.push({
      name: 'convolution',
      layers: [
        { type: 'reshape', shape: [side, side, 1] },
        { type: 'conv2d', filters: 8, kernel_size: [3, 3], padding: 'same', activation: 'relu' },
        { type: 'max_pool2d', pool_size: [2] },
        { type: 'flatten' },
      ],
    })
  }
  return match.map(({ name, layers }) => ({
    name,
    layers: endingIn([...layers, { type: 'dense', units }], units, last),
  }))
}
