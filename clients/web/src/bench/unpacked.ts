/** The weights of an event of a stream, by the names that a checkpoint has. */
import type { Schemas } from '@epochal/client'
import type { Parameters } from './forward'

export function unpacked(event: Schemas['Parameters']): Parameters {
  const bytes = Uint8Array.from(atob(event.data), (letter) => letter.charCodeAt(0))
  const view = new DataView(bytes.buffer)
  const parameters = new Map<string, Float32Array>()
  let at = 0
  for (const { name, shape } of event.arrays) {
    const size = shape.reduce((all, length) => all * length, 1)
    const values = new Float32Array(size)
    for (let i = 0; i < size; i++, at += 4) values[i] = view.getFloat32(at, true)
    parameters.set(name, values)
  }
  return parameters
}
