// @vitest-environment jsdom
import { flushSync, mount, unmount } from 'svelte'
import { afterEach, expect, it } from 'vitest'

import { number, urlState, whole } from '../state/url.svelte'
import { shortcuts } from '../state/shortcuts.svelte'
import StateSlider from './StateSlider.svelte'

let slider: ReturnType<typeof mount>
afterEach(() => unmount(slider))

function box(): HTMLInputElement {
  return document.querySelector<HTMLInputElement>('input[type=number]')!
}

it('takes any number that the state allows, beyond the range of the slider', () => {
  const state = urlState('chain', { weight: number(1, [-100, 100]) })
  slider = mount(StateSlider<'weight'>, {
    target: document.body,
    props: { state, name: 'weight', label: 'Weight', min: 0.1, max: 5 },
  })
  expect(document.querySelector<HTMLInputElement>('input[type=range]')!.max).toBe('5')
  for (const [typed, taken] of [
    [40, 40],
    [1e9, 100],
  ] as const) {
    box().value = String(typed)
    box().dispatchEvent(new Event('change', { bubbles: true }))
    flushSync()
    expect(state.weight).toBe(taken)
  }
})

it('moves in whole steps where the state is whole', () => {
  const state = urlState('chain', { depth: whole(10, [1, 60]) })
  slider = mount(StateSlider<'depth'>, {
    target: document.body,
    props: { state, name: 'depth', label: 'Depth' },
  })
  const range = document.querySelector<HTMLInputElement>('input[type=range]')!
  expect([range.min, range.max, range.step]).toEqual(['1', '60', '1'])
})

it('is one stop of Tab, whose number Enter reaches and leaves', () => {
  const state = urlState('chain', { weight: number(1, [-100, 100]) })
  slider = mount(StateSlider<'weight'>, {
    target: document.body,
    props: { state, name: 'weight', label: 'Weight' },
  })
  flushSync()
  const inputs = [...document.querySelectorAll<HTMLInputElement>('input')]
  const range = inputs.find((input) => input.type === 'range')!
  expect(inputs.filter((input) => input.tabIndex === 0)).toEqual([range])
  expect(shortcuts.list.map(({ key }) => key)).toContain('Enter')
  const press = (key: string) =>
    document.activeElement!.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }))
  range.focus()
  for (const key of ['Enter', 'Escape']) {
    press('Enter')
    expect(document.activeElement).toBe(box())
    press(key)
    expect(document.activeElement).toBe(range)
  }
})
