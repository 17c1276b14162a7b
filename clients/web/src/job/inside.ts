/** Attention weights and feature maps of a trained network, as the page draws them. */
import type { Schemas } from '@epochal/client'
import { toNumber } from '../lib/api/numbers'
import { named, type Seen } from './seen'
import { spelled } from './tokens'
import type { Language } from './write'

type Spec = Schemas['TrainingSpec']

const ATTENTION = ['additive_attention', 'multi_head_attention', 'transformer_block']

const typesOf = ({ network }: Spec): string[] =>
  'layers' in network ? network.layers.map((layer) => layer.type) : []

export const hasAttention = (spec: Spec): boolean =>
  typesOf(spec).some((type) => ATTENTION.includes(type))

export const hasConvolution = (spec: Spec): boolean => typesOf(spec).includes('conv2d')

/** A head: `weights[position][memory position]`. */
export interface Head {
  /** Layer and head in the form of the address. */
  key: string
  layer: string
  /** Number of the head in its layer, from 1. */
  number: number
  weights: readonly (readonly number[])[]
}

/** Cut a flat array into rows. */
export function rowsOf<T>(values: readonly T[], columns: number): T[][] {
  return Array.from({ length: Math.floor(values.length / columns) }, (_, row) =>
    values.slice(row * columns, (row + 1) * columns),
  )
}

/** The heads of the first sample; of a text that is filled up, its `length` positions only. */
export function headsOf(layers: readonly Schemas['InsideArray'][], length?: number): Head[] {
  return layers.flatMap(({ name, shape, values }) => {
    const [, heads, positions, memory] = shape as [number, number, number, number]
    const shown = positions === memory ? length : undefined
    const numbers = values.slice(0, heads * positions * memory).map(toNumber)
    return Array.from({ length: heads }, (_, head) => ({
      key: `${name}:${head + 1}`,
      layer: name,
      number: head + 1,
      weights: rowsOf(
        numbers.slice(head * positions * memory, (head + 1) * positions * memory),
        memory,
      )
        .slice(0, shown)
        .map((row) => row.slice(0, shown)),
    }))
  })
}

/** Number of tokens that an encoder reads before the network writes; 0 without an encoder. */
export function readFirst({ samples, token_names: names }: Seen): number {
  const [first] = samples
  if (!first || !names.length || !first.target_classes.length) return 0
  return Math.max(first.inputs.length - first.target_classes.length, 0)
}

/** A text of the data to begin with, without its start token and what it is filled up with. */
export function exampleOf({ samples, class_names: names }: Seen, language: Language): string {
  const { inputs, target_classes: targets } = samples[0]!
  const end = targets.findIndex((target) => target < 0)
  const length = Math.min(end < 0 ? inputs.length : end, EXAMPLE)
  const tokens = inputs.slice(language.starts ? 1 : 0, length).map(toNumber)
  return tokens.map((token) => named(names, token)).join(language.separator)
}

const EXAMPLE = 24

/** The tokens that an encoder reads of a sample, as a text. */
export const readText = ({ samples, token_names: names }: Seen, row: number, count: number) =>
  spelled(names, samples[row % samples.length]!.inputs.slice(0, count).map(toNumber))
