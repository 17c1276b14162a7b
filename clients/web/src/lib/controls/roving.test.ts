// @vitest-environment jsdom
import { afterEach, expect, test } from 'vitest'

import { roving } from './roving'

let detach = () => undefined as void

function show(html: string): HTMLElement {
  document.body.innerHTML = `<div>${html}</div>`
  const group = document.body.firstElementChild as HTMLElement
  detach = roving(group)
  return group
}
const stops = (group: HTMLElement) =>
  [...group.querySelectorAll('button')].filter(({ tabIndex }) => tabIndex === 0).map((b) => b.id)
const press = (key: string) =>
  document.activeElement!.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }))

afterEach(() => detach())

const THREE = '<button id="a"></button><button id="b"></button><button id="c"></button>'

test('the arrow keys move, and Tab returns to where they stopped', () => {
  const group = show(THREE)
  expect(stops(group)).toEqual(['a'])
  group.querySelector('button')!.focus()
  press('ArrowRight')
  expect(document.activeElement!.id).toBe('b')
  expect(stops(group)).toEqual(['b'])
  press('End')
  press('ArrowDown')
  expect(document.activeElement!.id).toBe('c')
  press('Home')
  expect(stops(group)).toEqual(['a'])
})

test('the pressed button is the stop, also if it becomes pressed later', async () => {
  const group = show(THREE.replace('id="b"', 'id="b" aria-pressed="true"'))
  expect(stops(group)).toEqual(['b'])
  group.querySelector('#b')!.setAttribute('aria-pressed', 'false')
  group.querySelector('#c')!.setAttribute('aria-pressed', 'true')
  await Promise.resolve()
  expect(stops(group)).toEqual(['c'])
})
