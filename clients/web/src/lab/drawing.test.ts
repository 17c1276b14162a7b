import { expect, it } from 'vitest'

import { dataOf, pointsOf } from './drawing'

it('points are valid data with two classes', () => {
  expect(dataOf([{ x: 0, y: 0, kind: 0 }])).toBeUndefined()
  const points = [
    { x: 0.5, y: -1, kind: 0 },
    { x: 1, y: 0, kind: 1 },
  ]
  const { dataset, facts } = dataOf(points)!
  expect(dataset).toMatchObject({
    inputs: [
      [0.5, -1],
      [1, 0],
    ],
    targets: [[0], [1]],
    class_names: ['A', 'B'],
  })
  expect(facts).toMatchObject({ task: 'binary', samples: 2, classes: 2 })
  expect(pointsOf(dataset)).toEqual(points)
})

it('a third class makes the task multiclass', () => {
  const { dataset, facts } = dataOf([
    { x: 0, y: 0, kind: 0 },
    { x: 1, y: 1, kind: 2 },
  ])!
  expect(dataset.class_names).toEqual(['A', 'B', 'C'])
  expect(facts.task).toBe('multiclass')
})
