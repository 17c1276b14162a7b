/** The network with more or fewer hidden units and layers. */
import { layersOf, type Layer, type Spec } from '../lab/spec'

const MOST_UNITS = 256

/** More or fewer units in one layer, at least one. */
export function withUnits(
  layers: readonly Layer[],
  index: number,
  delta: number,
): readonly Layer[] {
  return layers.map((layer, i) =>
    i === index && layer.type === 'dense'
      ? { ...layer, units: Math.min(Math.max(layer.units + delta, 1), MOST_UNITS) }
      : layer,
  )
}

/** One hidden layer more, like the last one, or without the last one. */
export function withLayers(layers: readonly Layer[], delta: number): readonly Layer[] {
  const output = layers.findLastIndex(({ type }) => type === 'dense')
  const last = layers.findLastIndex(({ type }, i) => type === 'dense' && i < output)
  if (delta < 0) return last < 0 ? layers : layers.filter((_, i) => i !== last)
  const hidden = layers[last]
  const added: Layer = {
    type: 'dense',
    units: hidden?.type === 'dense' ? hidden.units : 4,
    activation: (hidden?.type === 'dense' && hidden.activation) || 'tanh',
  }
  return layers.toSpliced(last < 0 ? output : last + 1, 0, added)
}

/** Whether settings differ only in dense layers, so that a run can continue with the weights that fit. */
export function isResized(before: Spec, after: Spec): boolean {
  const others = (spec: Spec) =>
    JSON.stringify({
      ...spec,
      network: { ...spec.network, layers: layersOf(spec).filter(({ type }) => type !== 'dense') },
      freeze: [],
      initial_weights: null,
    })
  return others(before) === others(after) && layersOf(before).length > 0
}
