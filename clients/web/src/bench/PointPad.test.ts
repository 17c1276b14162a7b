// @vitest-environment jsdom
import { flushSync, mount, unmount } from 'svelte'
import { afterEach, expect, test, vi } from 'vitest'

import { scale } from '../lib/charts/scale'
import type { Sample } from './OutputMap.svelte'
import PointPad from './PointPad.svelte'

// A pixel is a hundredth.
const [x, y] = [scale('linear', [0, 2], [0, 200]), scale('linear', [0, 2], [200, 0])]
const POINTS: readonly Sample[] = [
  { x: 0.5, y: 0.5, target: 0 },
  { x: 1.5, y: 1.5, target: 1 },
]

let shown: ReturnType<typeof mount>
let onpoints: ReturnType<typeof vi.fn<(points: readonly Sample[]) => void>>

function show(kind?: number): Element {
  const target = document.createElementNS('http://www.w3.org/2000/svg', 'svg')
  document.body.append(target)
  onpoints = vi.fn()
  const props = { x, y, points: POINTS, kind, color: 'red', onpoints }
  shown = mount(PointPad, { target, props })
  const pad = target.querySelector('rect')!
  pad.setPointerCapture = () => undefined
  return pad
}

function point(pad: Element, type: string, clientX: number, clientY: number): void {
  pad.dispatchEvent(new MouseEvent(type, { clientX, clientY, buttons: 1, bubbles: true }))
  flushSync()
}

function press(pad: Element, ...keys: string[]): void {
  for (const key of keys) {
    pad.dispatchEvent(new KeyboardEvent('keydown', { key, shiftKey: true, bubbles: true }))
    flushSync()
  }
}

const last = () => onpoints.mock.lastCall![0]

afterEach(() => unmount(shown))

test('a click adds a point of the chosen class, and held down more of them', () => {
  const pad = show(1)
  point(pad, 'pointerdown', 100, 100)
  expect(last()).toEqual([...POINTS, { x: 1, y: 1, target: 1 }])
  point(pad, 'pointermove', 100, 52)
  expect(last()).toEqual([...POINTS, { x: 1, y: 1.48, target: 1 }])
  point(pad, 'pointermove', 150, 52)
  expect(onpoints).toHaveBeenCalledTimes(2)
})

test('a point that is held moves inside the plane', () => {
  const pad = show(1)
  point(pad, 'pointerdown', 52, 152)
  point(pad, 'pointermove', 80, 300)
  expect(last()).toEqual([{ x: 0.8, y: 0, target: 0 }, POINTS[1]])
  point(pad, 'pointerup', 80, 300)
  onpoints.mockClear()
  point(pad, 'pointermove', 90, 90)
  expect(onpoints).not.toHaveBeenCalled()
})

test('the eraser removes the point under it', () => {
  const pad = show()
  point(pad, 'pointerdown', 100, 100)
  expect(onpoints).not.toHaveBeenCalled()
  point(pad, 'pointermove', 150, 52)
  expect(last()).toEqual([POINTS[0]])
})

test('points are added, moved and removed by keyboard', () => {
  const pad = show(0)
  press(pad, 'Enter')
  expect(last()).toEqual([...POINTS, { x: 1, y: 1, target: 0 }])
  press(pad, 'ArrowLeft', 'ArrowLeft', 'ArrowDown', 'ArrowDown', 'Enter', 'ArrowRight')
  expect(last()).toEqual([{ x: 0.75, y: 0.5, target: 0 }, POINTS[1]])
  // The list that was given is still the former one.
  press(pad, 'Enter', 'ArrowLeft', 'Delete')
  expect(last()).toEqual([POINTS[1]])
})
