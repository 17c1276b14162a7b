import { expect, test } from 'vitest'

import { plan, wrap } from './route'

const graph = {
  nodes: [
    { id: 'a', label: 'tokens', kind: 'input' as const, column: 0, row: 1 },
    { id: 'b', label: 'self-attention', kind: 'layer' as const, column: 1, row: 1 },
    { id: 'c', label: 'add & norm', kind: 'operation' as const, column: 2, row: 1 },
  ],
  edges: [
    { source: 'a', target: 'b', kind: 'forward' as const, label: '' },
    { source: 'b', target: 'b', kind: 'attention' as const, label: 'all positions' },
    { source: 'a', target: 'c', kind: 'residual' as const, label: '' },
  ],
}

test('data flow to the right if the page is wide', () => {
  const { boxes, width } = plan(graph, 600, false)
  expect(boxes.map((box) => box.x)).toEqual([100, 300, 500])
  expect(new Set(boxes.map((box) => box.y)).size).toBe(1)
  expect(width).toBe(600)
})

test('data flow down if the page is narrow, and everything fits', () => {
  const { boxes, height } = plan(graph, 320, true)
  expect(boxes.map((box) => box.y)).toEqual([41, 123, 205])
  for (const box of boxes) {
    expect(box.x - box.width / 2).toBeGreaterThanOrEqual(0)
    expect(box.x + box.width / 2).toBeLessThanOrEqual(320)
    expect(box.y + box.height / 2).toBeLessThanOrEqual(height)
  }
})

test('an arrow starts and ends at the edges of its boxes', () => {
  const { arrows, boxes } = plan(graph, 600, false)
  const [x1, y1] = /^M([\d.]+) ([\d.]+)/.exec(arrows[0]!.path)!.slice(1).map(Number)
  expect(x1).toBe(boxes[0]!.x + boxes[0]!.width / 2)
  expect(y1).toBe(boxes[0]!.y)
  expect(
    arrows[0]!.path.endsWith(
      `${(boxes[1]!.x - boxes[1]!.width / 2).toFixed(1)} ${boxes[1]!.y.toFixed(1)}`,
    ),
  ).toBe(true)
})

test('words are not cut', () => {
  expect(wrap('causal self-attention', 12)).toEqual(['causal', 'self-attention'])
  expect(wrap('add & norm', 12)).toEqual(['add & norm'])
})
