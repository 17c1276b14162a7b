/** A drawn image as text in the URL: one character per pixel, with the 17 levels of the digits. */
import type { Codec } from '../../lib/state/url.svelte'

export const SIDE = 8
const SIGNS = '0123456789abcdefg'
const MOST = SIGNS.length - 1

export type Image = readonly (readonly number[])[]

/** Rows of a list of pixels. */
export function rows(pixels: readonly number[]): number[][] {
  return Array.from({ length: SIDE }, (_, r) => pixels.slice(r * SIDE, (r + 1) * SIDE))
}

export function write(image: Image): string {
  return image
    .flat()
    .map((value) => SIGNS[Math.round(Math.min(Math.max(value, 0), 1) * MOST)])
    .join('')
}

export function read(text: string): Image | undefined {
  const levels = [...text].map((sign) => SIGNS.indexOf(sign))
  if (levels.length !== SIDE * SIDE || levels.includes(-1)) return undefined
  return rows(levels.map((level) => level / MOST))
}

/** The drawn image; undefined until the user draws. */
export const drawn: Codec<Image | undefined> = {
  initial: undefined,
  read,
  write: (image) => (image ? write(image) : ''),
}

/** The image with another value of one pixel. */
export function put(image: Image, row: number, column: number, value: number): Image {
  return image.map((pixels, r) => (r === row ? pixels.with(column, value) : pixels))
}
