import { expect, test } from 'vitest'

import { unpacked } from './unpacked'

test('weights are unpacked in the order of the list', () => {
  const bytes = new Uint8Array(12)
  const view = new DataView(bytes.buffer)
  ;[0.5, -2, 3].forEach((value, i) => view.setFloat32(4 * i, value, true))
  const parameters = unpacked({
    epoch: 1,
    arrays: [
      { name: 'dense_1.weight', shape: [2, 1] },
      { name: 'dense_1.bias', shape: [1] },
    ],
    data: btoa(String.fromCharCode(...bytes)),
  })
  expect([...parameters].map(([name, values]) => [name, [...values]])).toEqual([
    ['dense_1.weight', [0.5, -2]],
    ['dense_1.bias', [3]],
  ])
})
