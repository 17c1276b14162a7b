import { expect, test } from 'vitest'

import { isStored, storedEpochs, storedReply, storeReplies } from './stored'

const WEIGHTS = '/v1/jobs/{id}/weights'
storeReplies('stored:names', [
  { method: 'GET', path: WEIGHTS, request: '{"epoch": 3, "layer": "embedding_1"}', reply: '[1]' },
  { method: 'GET', path: WEIGHTS, request: '{"epoch": 0, "layer": "embedding_1"}', reply: '[0]' },
  { method: 'POST', path: WEIGHTS, request: '{"epoch": 0, "texts": ["emma"]}', reply: '[2]' },
])

test('a request is answered whatever the order of its fields', () => {
  const reply = storedReply('stored:names', 'GET', WEIGHTS, { layer: 'embedding_1', epoch: 0 })
  expect(reply).toBe('[0]')
  expect(storedReply('stored:names', 'POST', WEIGHTS, { texts: ['emma'], epoch: 0 })).toBe('[2]')
})

test('another text, job or method is not stored', () => {
  for (const [id, method, texts] of [
    ['stored:names', 'POST', 'anna'],
    ['stored:plays', 'POST', 'emma'],
    ['stored:names', 'GET', 'emma'],
  ] as const)
    expect(() => storedReply(id, method, WEIGHTS, { epoch: 0, texts: [texts] })).toThrow(
      'stored results',
    )
})

test('the epochs are those of the requests, each once', () => {
  expect(storedEpochs('stored:names')).toEqual([3, 0])
  expect(storedEpochs('job_1')).toEqual([])
  expect([isStored('stored:names'), isStored('job_1')]).toEqual([true, false])
})
