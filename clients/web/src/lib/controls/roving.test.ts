// @vitest-environment jsdom
import { afterEach, expect, test } from 'vitest'

import { roving, rovingRows } from './roving'

let detach = () => undefined as void

function show(html: string): HTMLElement {
  document.body.innerHTML = `<div>${html}</div>`
  const group = document.body.firstElementChild as HTMLElement
  detach = roving(group)
  return group
}
function showRows(html: string): HTMLElement {
  document.body.innerHTML = `<ol>${html}</ol>`
  const list = document.body.firstElementChild as HTMLElement
  detach = rovingRows(list)
  return list
}
const stops = (group: HTMLElement) =>
  [...group.querySelectorAll<HTMLElement>('button, summary, select, input')]
    .filter(({ tabIndex }) => tabIndex === 0)
    .map((b) => b.id)
const press = (key: string) =>
  document.activeElement!.dispatchEvent(
    new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }),
  )

afterEach(() => detach())

test('the number of a slider in a row is no stop', () => {
  const list = showRows(
    '<li><button class="handle" id="a"></button>' +
      '<div class="slider"><input type="range" id="b" /><input type="number" tabindex="-1" id="c" /></div></li>',
  )
  list.querySelector<HTMLElement>('.handle')!.focus()
  press('Enter')
  expect(document.activeElement!.id).toBe('b')
  expect(stops(list)).toEqual(['a', 'b'])
})

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

test('a folded menu is one member until it is open, and a list of options keeps its keys', () => {
  const menu = '<details><summary id="m"></summary><button id="in"></button></details>'
  const group = show(`<button id="a"></button>${menu}<select id="s"></select>`)
  group.querySelector('button')!.focus()
  press('ArrowRight')
  press('ArrowRight')
  expect(document.activeElement!.id).toBe('s')
  press('ArrowUp')
  expect(document.activeElement!.id).toBe('s')
  press('ArrowLeft')
  group.querySelector('details')!.open = true
  press('ArrowRight')
  expect(document.activeElement!.id).toBe('in')
})

const row = (id: string, more = '') =>
  `<li><div><button class="handle" id="${id}"></button>
   <input id="${id}-1" /><select id="${id}-2"></select>${more}</div></li>`

test('a list of rows is one stop; Enter moves into a row, and Escape back', async () => {
  const list = showRows(row('a') + row('b'))
  expect(stops(list)).toEqual(['a'])
  list.querySelector<HTMLElement>('#a')!.focus()
  press('ArrowDown')
  expect(stops(list)).toEqual(['b'])
  press('Enter')
  expect(document.activeElement!.id).toBe('b-1')
  expect(stops(list)).toEqual(['b', 'b-1', 'b-2'])
  press('ArrowUp')
  expect(document.activeElement!.id).toBe('b-1')
  press('Escape')
  expect(stops(list)).toEqual(['b'])
  // A row that is removed leaves the stop to the row before.
  list.lastElementChild!.remove()
  await Promise.resolve()
  expect(stops(list)).toEqual(['a'])
})

test('a list inside of a row has a stop of its own', () => {
  const list = showRows(row('a', `<ol>${row('in')}</ol>`))
  const inner = list.querySelector('ol')!
  const detachInner = rovingRows(inner)
  expect(stops(list)).toEqual(['a', 'in'])
  inner.querySelector<HTMLElement>('#in')!.focus()
  press('Enter')
  expect(document.activeElement!.id).toBe('in-1')
  press('Escape')
  expect(document.activeElement!.id).toBe('in')
  press('Escape')
  expect(document.activeElement!.id).toBe('a')
  detachInner()
})
