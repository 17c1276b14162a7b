// @vitest-environment jsdom
import { flushSync, mount, unmount } from 'svelte'
import { afterEach, expect, test, vi } from 'vitest'

import { api, type Schemas } from '../api'
import Questions from './Questions.svelte'

type Checked = Schemas['CheckedAnswer']
type Question = Schemas['Question']

const XOR: Question = {
  id: 'xor-by-one',
  text: 'Is there a straight line that separates the ones of XOR from its zeros?',
  choices: ['yes', 'no'],
  unit: '',
}
const CHAIN: Question = {
  id: 'chain-of-ten',
  text: 'A gradient passes backwards through ten sigmoids. Is more than a thousandth of it left?',
  choices: ['yes', 'no'],
  unit: '',
}
const PARAMETERS: Question = {
  id: 'parameters-of-3-4-4-2',
  text: 'A network has 3 inputs and dense layers of 4, 4 and 2 units. How many parameters does it have?',
  choices: [],
  unit: 'parameters',
}
const HALVES = '1/2·(0, 1) + 1/2·(1, 0) = (0.5, 0.5) = 1/2·(0, 0) + 1/2·(1, 1)'

/** Wait as long as a busy machine may need. */
const until = (condition: () => unknown) => vi.waitUntil(condition, { timeout: 4000 })
let shown: ReturnType<typeof mount>

/** Show a question; `check` replies to an answer as the service does. */
async function show(question: Question, check: (answer: number) => Partial<Checked>) {
  const sent: Schemas['CheckAnswerRequest'][] = []
  const replied = (data: unknown) => Promise.resolve({ data, response: new Response() })
  const post = (_path: string, { body }: { body: Schemas['CheckAnswerRequest'] }) => {
    sent.push(body)
    return replied({ path: '/course/v1/simulate/architecture', ...check(body.answer) })
  }
  vi.spyOn(api, 'GET').mockReturnValue(replied({ questions: [question] }) as never)
  vi.spyOn(api, 'POST').mockImplementation(post as never)
  shown = mount(Questions, { target: document.body, props: { section: 'neuron' } })
  await until(() => document.querySelector('li'))
  const text = () => (flushSync(), document.querySelector('li')!.textContent)
  const button = (name: string) =>
    [...document.querySelectorAll('button')].find((button) => button.textContent === name)!
  const explanation = () => document.querySelector('[data-testid=explanation]')?.textContent
  const type = (value: string) => {
    const input = document.querySelector('input')!
    input.value = value
    input.dispatchEvent(new Event('input', { bubbles: true }))
    flushSync()
  }
  return { text, button, explanation, type, sent }
}

afterEach(async () => {
  await unmount(shown)
  vi.restoreAllMocks()
})

test('an explanation has its numbers as a person writes them', async () => {
  const { button, explanation } = await show(CHAIN, () => ({
    is_correct: true,
    expected: 1,
    explanation: '10 layers of sigmoid multiply a gradient by 3.483e-07.',
  }))
  button('no').click()
  await until(explanation)
  expect(explanation()).toContain('3.483×10⁻⁷')
})

test('a wrong choice can be changed before the explanation', async () => {
  const { text, button, explanation } = await show(XOR, (answer) => ({
    is_correct: answer === 1,
    expected: 1,
    explanation: HALVES,
  }))
  button('yes').click()
  await until(() => text().includes('Not correct.'))
  expect(explanation()).toBeUndefined()
  button('no').click()
  await until(() => text().includes('Correct.'))
  expect(explanation()).toContain(HALVES)
  expect(document.querySelector('[data-testid=score]')!.textContent).toContain('1 of 1')
})

test('giving up shows the correct answer', async () => {
  const { text, button, explanation, type, sent } = await show(PARAMETERS, () => ({
    is_correct: false,
    expected: 46,
    explanation: 'parameters = 16 + 20 + 10 = 46',
  }))
  type('36')
  button('Check').click()
  await until(() => text().includes('Not correct.'))
  expect(sent).toEqual([{ question: PARAMETERS.id, answer: 36 }])
  button('Show the explanation').click()
  expect(text()).toContain('The answer is 46 parameters.')
  expect(explanation()).toContain('16 + 20 + 10 = 46')
})

test.each([
  ['three quarters', undefined],
  ['3/', undefined],
  ['3/4', 0.75],
  ['0,75', 0.75],
  ['−0.5', -0.5],
  ['1,797', 1797],
])('%s is read as %s', async (written, value) => {
  const { button, type, sent } = await show(PARAMETERS, () => ({ is_correct: false, expected: 1 }))
  type(written)
  expect(button('Check').disabled).toBe(value === undefined)
  button('Check').click()
  expect(sent).toEqual(value === undefined ? [] : [{ question: PARAMETERS.id, answer: value }])
})
