import { describe, expect, it } from 'vitest'

import { biasAt, flows, given, known, pattern, stepName, walk, weightAt } from './network'

describe('the network of 46 parameters', () => {
  it('finds the index of each weight', () => {
    const row = pattern()
    expect(row).toHaveLength(46)
    expect([weightAt(1, 0, 0), biasAt(1, 0), weightAt(2, 0, 0), biasAt(3, 1)]).toEqual([
      0, 12, 16, 45,
    ])
    // Unit 0: -0.5, 0 and 0.5 with a bias of -0.1; unit 2: 0.1, -0.5 and 0 with one of 0.1.
    expect([0, 1, 2].map((i) => row[weightAt(1, i, 0)])).toEqual([-0.5, 0, 0.5])
    expect([0, 1, 2].map((i) => row[weightAt(1, i, 2)])).toEqual([0.1, -0.5, 0])
    expect(row[biasAt(1, 2)]).toBe(0.1)
  })

  it('converts weights to the service format', () => {
    const [first, , last] = given(pattern())
    expect(first!.weight.map((weights) => weights.length)).toEqual([4, 4, 4])
    expect(first!.weight[0]![0]).toBe(-0.5)
    expect(last!.weight.map((weights) => weights.length)).toEqual([2, 2, 2, 2])
    expect(last!.bias).toEqual([0.1, -0.1])
  })
})

describe('the steps of the forward pass', () => {
  it('has three step sizes: 36 products, 10 sums, 10 outputs, and the input', () => {
    expect([walk('layer').length, walk('unit').length, walk('edge').length]).toEqual([4, 21, 57])
  })

  it('activates the last layer after all of its sums', () => {
    expect(
      walk('unit')
        .slice(-4)
        .map((stage) => `${stage.kind} ${stage.unit}`),
    ).toEqual(['sum 0', 'sum 1', 'activation 0', 'activation 1'])
  })

  it('knows which values are computed', () => {
    const way = walk('unit')
    expect(known(way, 0)[1]).toEqual(['nothing', 'nothing', 'nothing', 'nothing'])
    expect(known(way, 3)[1]).toEqual(['output', 'sum', 'nothing', 'nothing'])
    expect(
      known(way, 20)
        .flat()
        .every((state) => state === 'output'),
    ).toBe(true)
    expect(known(walk('layer'), 1).map((states) => states[0])).toEqual([
      'output',
      'output',
      'nothing',
      'nothing',
    ])
  })

  it('moves values along the edges of the step', () => {
    const [, product] = walk('edge')
    expect(flows(product!, 1, 0, 0)).toBe(true)
    expect(flows(product!, 1, 1, 0)).toBe(false)
    const [, sum, activation] = walk('unit')
    expect(flows(sum!, 1, 1, 0)).toBe(true)
    expect(flows(activation!, 1, 1, 0)).toBe(false)
    expect(stepName(sum!)).toBe('Hidden 1, unit 1: sum')
  })
})
