import { expect, it } from 'vitest'

import { START } from '../lab/spec'
import { fieldName, fieldsOf, grouped, isWide, shownValue, turned, valueAt } from './columns'
import type { Job } from './list'

function run(id: string, rate: number, more: Partial<Job> = {}): Job {
  const optimizer = { type: 'adam', learning_rate: rate } as Job['spec']['optimizer']
  const spec = { ...START, optimizer, labels: { course: 'a' }, name: id } as Job['spec']
  return { id, spec, state: 'succeeded', epoch: 9, parameters: 33, ...more } as Job
}

const ended = { started_at: '2030-01-01T00:00:00Z', finished_at: '2030-01-01T00:00:02.5Z' }
const runs = [
  run('a', 0.1, { ...ended, best: { epoch: 3, metric: 'train_loss', value: 'Infinity' } as never }),
  run('b', 0.01),
]

it('a field has its value or none, and infinities are numbers', () => {
  const at = (path: string) => runs.map((job) => valueAt(job, path))
  expect(at('spec.optimizer.learning_rate')).toEqual([0.1, 0.01])
  expect(at('seconds')).toEqual([2.5, null])
  expect(at('best.value')).toEqual([Infinity, null])
  expect(at('labels.course')).toEqual(['a', 'a'])
  expect(at('name')).toEqual(['a', 'b'])
  expect(at('spec.network.layers')).toEqual([null, null])
})

it('the fields are the results, and settings that differ before equal ones', () => {
  const fields = fieldsOf(runs)
  const group = (path: string) => fields.find((field) => field.path === path)?.group
  expect(group('spec.optimizer.learning_rate')).toBe('Settings that differ')
  expect(group('spec.optimizer.type')).toBe('Equal settings')
  expect(group('best.value')).toBe('Results')
  expect(group('labels.course')).toBe('Labels')
  expect(group('spec.labels.course')).toBeUndefined()
  expect(group('spec.network.layers')).toBeUndefined()
  const numeric = fields.filter((field) => field.numeric).map(({ path }) => path)
  expect(numeric).toContain('best.value')
  expect(numeric).not.toContain('spec.optimizer.type')
  expect(new Set(fields.map(({ path }) => path)).size).toBe(fields.length)
})

it('a field has a name that a heading has room for', () => {
  const names = ['spec.optimizer.learning_rate', 'latest.train_loss', 'spec.schedule.type']
  expect(names.map(fieldName)).toEqual(['learning rate', 'training loss', 'schedule type'])
})

it('a value is shown in its unit', () => {
  const shown = (path: string, value: Parameters<typeof shownValue>[1]) =>
    shownValue(path, value, 0)
  expect(shown('latest.train_accuracy', 0.5)).toBe('50.0 %')
  expect(shown('seconds', 90)).toBe('1 min 30 s')
  expect(shown('spec.loss', 'binary_cross_entropy')).toBe('binary cross entropy')
  expect(shown('spec.shuffle', false)).toBe('no')
  expect(shown('best.value', null)).toBe('–')
})

it('a heading sorts up, down and not', () => {
  expect(['', 'epoch', 'epoch desc', 'name'].map((order) => turned(order, 'epoch'))).toEqual([
    'epoch',
    'epoch desc',
    '',
    'epoch',
  ])
})

it('runs with one value stand in one group', () => {
  const more = [...runs, run('c', 0.01)]
  const sizes = grouped(more, 'spec.optimizer.learning_rate').map(({ jobs }) => jobs.length)
  expect(sizes).toEqual([1, 2])
  expect(grouped(more, '')).toHaveLength(1)
})

it('an axis is logarithmic where its range asks for it', () => {
  expect([[0.001, 0.1], [1, 20], [0, 100], [5], []].map((values) => isWide(values))).toEqual([
    true,
    false,
    false,
    false,
    false,
  ])
})
