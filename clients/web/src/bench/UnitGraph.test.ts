// @vitest-environment jsdom
import { SvelteMap } from 'svelte/reactivity'
import { flushSync, mount, unmount } from 'svelte'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'

import type { Network } from './forward'
import UnitGraph from './UnitGraph.svelte'

const network = (units: number) =>
  ({
    input_shape: [2],
    layers: [
      { type: 'dense', units, activation: 'tanh' },
      { type: 'dense', units: 1, activation: 'sigmoid' },
    ],
  }) as unknown as Network
const PARAMETERS = new Map([
  ['dense_1.weight', Float32Array.of(1, 2, 3, 4)],
  ['dense_1.bias', Float32Array.of(0.5, -0.5)],
  ['dense_2.weight', Float32Array.of(1, -1)],
  ['dense_2.bias', Float32Array.of(0)],
])

let shown: ReturnType<typeof mount>

function show(given: Network, more: object = {}): void {
  const props = { network: given, parameters: undefined, plane: [-1, 1, -1, 1], ...more }
  shown = mount(UnitGraph, { target: document.body, props })
  flushSync()
}

const labeled = (label: string) =>
  document.querySelector<HTMLInputElement>(`[aria-label="${label}"]`)

function click(label: string): void {
  labeled(label)!.click()
  flushSync()
}

// jsdom has no canvas to draw on.
beforeEach(() => {
  vi.spyOn(HTMLCanvasElement.prototype, 'getContext').mockReturnValue(null)
})

afterEach(async () => {
  await unmount(shown)
  vi.restoreAllMocks()
})

test('buttons ask for units, layers and terms', () => {
  const [onunits, onlayers, onterm] = [vi.fn(), vi.fn(), vi.fn()]
  show(network(2), { onunits, onlayers, onterm })
  click('Add a unit to dense_1')
  click('Remove a unit of dense_1')
  click('Add a hidden layer')
  click('Input x₁²')
  click('Input x₂')
  expect(onunits.mock.calls).toEqual([
    [0, 1],
    [0, -1],
  ])
  expect(onlayers.mock.calls).toEqual([[1]])
  expect(onterm.mock.calls).toEqual([
    ['x1^2', true],
    ['x2', false],
  ])
  expect(labeled('Add a unit to dense_2')).toBeNull()
})

test('eight units are drawn, and the others counted', () => {
  show(network(32))
  expect(document.querySelectorAll('[aria-label^="dense_1, unit"]')).toHaveLength(8)
  expect(document.body.textContent).toContain('+24 more')
})

test('a weight is chosen and set by keyboard', () => {
  const onweight = vi.fn()
  show(network(2), { parameters: PARAMETERS, onweight })
  click('dense_1, unit 2')
  const value = () => labeled('Value')!
  expect(value().value).toBe('-0.5')
  const from = labeled('Weight from')!
  from.value = '0'
  from.dispatchEvent(new Event('change', { bubbles: true }))
  flushSync()
  expect(value().value).toBe('2')
  value().value = '-1.5'
  value().dispatchEvent(new Event('change', { bubbles: true }))
  expect(onweight.mock.calls).toEqual([
    [{ layer: 'dense_1', array: 'weight', index: [0, 1], value: -1.5 }],
  ])
})

test('the card of a unit opens when the weights are known', () => {
  const parameters = new SvelteMap<string, Float32Array>()
  show(network(2), { parameters, onweight: vi.fn() })
  click('dense_1, unit 2')
  expect(labeled('Value')).toBeNull()
  for (const [name, values] of PARAMETERS) parameters.set(name, values)
  flushSync()
  expect(labeled('Value')!.value).toBe('-0.5')
})

/** A pointer on the first connection. */
function onLine(type: string, y: number): void {
  const canvas = document.querySelector('canvas')!
  const event = new MouseEvent(type, { clientX: 100, clientY: y, bubbles: true })
  canvas.dispatchEvent(event)
  flushSync()
}

test('a line is dragged up and down, and its card stays', () => {
  const isPointInStroke = vi.fn().mockReturnValue(true)
  const path = { beginPath: vi.fn(), moveTo: vi.fn(), bezierCurveTo: vi.fn(), isPointInStroke }
  vi.mocked(HTMLCanvasElement.prototype.getContext).mockImplementation(function (this: Element) {
    return this.isConnected ? null : (path as never)
  })
  const onweight = vi.fn()
  show(network(2), { parameters: PARAMETERS, onweight })
  document.querySelector('canvas')!.setPointerCapture = () => undefined
  onLine('pointermove', 200)
  onLine('pointerdown', 200)
  onLine('pointermove', 150)
  onLine('pointermove', 210)
  onLine('pointerup', 210)
  expect(onweight.mock.calls.map(([{ value }]) => value as number)).toEqual([1.5, 0.9])
  expect(labeled('Value')!.value).toBe('0.9')
})

test('arrow keys change the value of the card', () => {
  const onweight = vi.fn()
  show(network(2), { parameters: PARAMETERS, onweight })
  click('dense_1, unit 2')
  const press = (key: string, shiftKey = false) => {
    labeled('Value')!.dispatchEvent(new KeyboardEvent('keydown', { key, shiftKey, bubbles: true }))
    flushSync()
  }
  press('ArrowUp')
  press('ArrowDown', true)
  expect(onweight.mock.calls.map(([{ value }]) => value as number)).toEqual([-0.4, -1.4])
  press('Escape')
  expect(labeled('Value')).toBeNull()
  expect(document.activeElement).toBe(labeled('dense_1, unit 2'))
})
