import { expect, it } from 'vitest'

import { START } from '../lab/spec'
import { age, between, clock, isFilter, link, shape } from './list'

it('an age is a readable text', () => {
  const now = Date.UTC(2030, 5, 15, 12)
  const ago = (minutes: number) => age(new Date(now - 60_000 * minutes).toISOString(), now)
  expect([0, 5, 125, 25 * 60].map(ago)).toEqual(['just now', '5 min ago', '2 h ago', 'yesterday'])
  expect(ago(4 * 1440)).toBe('11 Jun')
  expect(age(null, now)).toBe('')
})

it('a time has seconds and uses the local time zone', () => {
  expect(clock(new Date(2030, 2, 12, 14, 5, 9).toISOString())).toBe('12 Mar, 14:05:09')
  expect(clock(null)).toBe('')
})

it('a network is one line of layers', () => {
  expect(shape(START)).toBe('2 → 8 tanh ×2 → 1 sigmoid')
})

it('a comparison has its own address', () => {
  expect(link(['job_1', 'job_2'])).toBe('/jobs/compare?job=job_1&job=job_2')
})

it('a comparison is a filter, and a label or a name is text', () => {
  const texts = ['best.value < 0.1', 'epoch>3 moons', 'name = a*', 'state != failed']
  expect(texts.every(isFilter)).toBe(true)
  expect(['course=week-3', 'Lesson 3: moons', 'job_0123', ''].some(isFilter)).toBe(false)
})

it('a range of runs goes both ways and has both ends', () => {
  const jobs = ['a', 'b', 'c', 'd'].map((id) => ({ id }))
  expect(between(jobs, 'b', 'd')).toEqual(['b', 'c', 'd'])
  expect(between(jobs, 'd', 'b')).toEqual(['b', 'c', 'd'])
  expect(between(jobs, 'gone', 'c')).toEqual(['c'])
})
