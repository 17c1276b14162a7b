import { describe, expect, it } from 'vitest'

import { bytes, count, fixed, format, plain, readable, toNumbers } from './numbers'

describe('numbers of the API', () => {
  it('are written without an exponent for attributes', () => {
    expect([3.7e-9, -0.5, 1e12].map(plain)).toEqual(['0.0000000037', '-0.5', '1000000000000'])
  })

  it('parses non-finite numbers', () => {
    expect(toNumbers([1.5, 'NaN', 'Infinity', '-Infinity'])).toEqual([
      1.5,
      NaN,
      Infinity,
      -Infinity,
    ])
  })

  it.each([
    [0.123456, '0.1235'],
    [-0.5, '−0.5'],
    [0, '0'],
    [12345678, '1.235×10⁷'],
    [0.00001234, '1.234×10⁻⁵'],
    [1e-8, '10⁻⁸'],
    [-1e6, '−10⁶'],
    [-2.5e-12, '−2.5×10⁻¹²'],
    [61706, '61,706'],
    [NaN, 'NaN'],
    [-Infinity, '−∞'],
  ])('writes %d as %s', (value, text) => expect(format(value)).toBe(text))

  it('formats the numbers in a text of the service', () => {
    expect(readable('from 1e+06 to 0.1, at 3.5e-05 of dense_1e2')).toBe(
      'from 10⁶ to 0.1, at 3.5×10⁻⁵ of dense_1e2',
    )
  })

  it('keeps the width of a changing number, and writes no negative zero', () => {
    expect([fixed(0.5, 3), fixed(-0.0001, 3), fixed(-2.5, 1)]).toEqual(['0.500', '0.000', '−2.5'])
  })

  it('formats the numbers of a sentence', () => {
    expect(
      readable('16 units of 2-8-8-1 miss by 1.366e-09, or -0.5 (-.25): line 4-5, 3e+12, 3.533e+04'),
    ).toBe('16 units of 2-8-8-1 miss by 1.366×10⁻⁹, or −0.5 (−.25): line 4-5, 3×10¹², 35,330')
  })

  it('writes large counts in words', () => {
    expect([count(46), count(61_706), count(1.76e12), count(175e9)]).toEqual([
      '46',
      '61,706',
      '1.76 trillion',
      '175 billion',
    ])
  })

  it('formats amounts of memory', () => {
    expect([bytes(1), bytes(104), bytes(1568), bytes(137_953_296_384)]).toEqual([
      '1 byte',
      '104 bytes',
      '1.57 kB',
      '138 GB',
    ])
  })
})
