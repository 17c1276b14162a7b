import { expect, test } from 'vitest'

import { put, read, rows, write } from './pixels'

const empty = rows(Array<number>(64).fill(0))

test('an image survives a round trip through the URL', () => {
  const image = put(put(empty, 0, 0, 1), 7, 3, 5 / 16)
  const text = write(image)
  expect(text).toHaveLength(64)
  expect(text[0]).toBe('g')
  expect(text[7 * 8 + 3]).toBe('5')
  expect(read(text)).toEqual(image)
})

test('invalid text is rejected', () => {
  expect(read('')).toBeUndefined()
  expect(read('0'.repeat(63))).toBeUndefined()
  expect(read('x'.repeat(64))).toBeUndefined()
})

test('changing a pixel returns a new image', () => {
  const image = put(empty, 2, 5, 0.5)
  expect(image[2]![5]).toBe(0.5)
  expect(empty[2]![5]).toBe(0)
})
