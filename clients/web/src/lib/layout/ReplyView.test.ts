// @vitest-environment jsdom
import { createRawSnippet, mount, unmount } from 'svelte'
import { afterEach, expect, it } from 'vitest'

import { ApiProblem, type Computed } from '../api'
import ReplyView from './ReplyView.svelte'

let view: ReturnType<typeof mount>
afterEach(() => unmount(view))

const children = createRawSnippet((value: () => number) => ({
  render: () => `<output>${value()}</output>`,
}))

function show(reply: Partial<Computed<number>>): string[] {
  const retry = () => {}
  view = mount(ReplyView<number>, {
    target: document.body,
    props: {
      reply: { value: undefined, problem: undefined, pending: false, retry, ...reply },
      children,
    },
  })
  return ['output', '[role=status]', '[role=alert]'].filter((part) => document.querySelector(part))
}

const problem = new ApiProblem(0, 'unreachable', 'The service is not answering', '')

it('says that it loads until a reply comes', () => expect(show({})).toEqual(['[role=status]']))

it('draws the reply', () => expect(show({ value: 7 })).toEqual(['output']))

it('shows a problem instead of a reply', () => expect(show({ problem })).toEqual(['[role=alert]']))

it('keeps the last reply beside the problem of a newer request', () =>
  expect(show({ value: 7, problem })).toEqual(['output', '[role=alert]']))
