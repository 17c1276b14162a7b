import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

import {
  bodiesOf,
  command,
  matches,
  modelsIn,
  operationsOf,
  repliesOf,
  typeOf,
  type OpenApi,
} from './operations'

const path = `${process.env['npm_package_config_openapi'] ?? '../../protos'}/openapi.json`
const operations = operationsOf(JSON.parse(readFileSync(path, 'utf8')) as OpenApi)
const method = (rpc: string) => operations.find((operation) => operation.rpc === rpc)!
const search = (query: string) =>
  operations.filter((operation) => matches(operation, query)).map(({ rpc }) => rpc)

test('a search finds a method by its path, its name on gRPC, its fields and its description', () => {
  expect(search('/v1/jobs/{id}/cancel')).toContain('CancelJob')
  expect(search('getversion')).toEqual(['GetVersion'])
  expect(search('post curve_points')).not.toContain('ListJobs')
  expect(search('get curve_points')).toContain('ListJobs')
  expect(search('idempotency class_weights')).toContain('CreateJob')
  expect(search('no such word')).toEqual([])
  expect(search('')).toHaveLength(operations.length)
})

test('a method has its bodies with examples, and its reply with events', () => {
  const [json, csv] = bodiesOf(method('CreateDataset'))
  expect(json!.media).toBe('application/json')
  expect(json!.examples.map(({ name }) => name)).toContain('A table with a header row')
  expect(csv!.examples[0]!.value).toContain('width,height,kind')
  const replies = repliesOf(method('Generate'))
  expect(replies.map(({ media, schema }) => [media, modelsIn(schema!)])).toEqual([
    ['application/json', ['Generation']],
    ['text/event-stream', ['GenerationEvent']],
  ])
  expect(repliesOf(method('DeleteJob'))).toMatchObject([{ status: '204', schema: undefined }])
})

test('types are written in words', () => {
  expect(typeOf({ type: 'integer', minimum: 1, maximum: 64 })).toBe('integer in [1, 64]')
  expect(typeOf({ type: 'number', exclusiveMinimum: 0 })).toBe('number > 0')
  expect(typeOf({ type: 'number', minimum: 0, exclusiveMaximum: 1 })).toBe('number in [0, 1)')
  const choice = { anyOf: [{ $ref: '#/components/schemas/A' }, { type: 'null' }] }
  expect(typeOf({ type: 'array', items: choice })).toBe('list of (A or null)')
  expect(typeOf({ enum: ['adam', 'sgd'] })).toBe('"adam" or "sgd"')
  expect(typeOf({ additionalProperties: { $ref: '#/components/schemas/Number' } })).toBe(
    'object of number',
  )
  expect(modelsIn({ type: 'array', items: choice })).toEqual(['A'])
})

test('a request is a command in which quotes are escaped', () => {
  expect(command('GET', 'http://h/v1/jobs', {})).toBe("curl 'http://h/v1/jobs'")
  expect(command('PATCH', 'http://h/a', { 'Content-Type': 'text/csv' }, "it's")).toBe(
    "curl -X PATCH 'http://h/a' \\\n  -H 'Content-Type: text/csv' \\\n  --data-binary 'it'\\''s'",
  )
})
