// @vitest-environment jsdom
import { expect, it } from 'vitest'

import { time } from './time'

it.each([
  [0.4686650761846154, '468.7 ms'],
  [0.008457, '8.457 ms'],
  [2.5, '2.5 s'],
  [90, '90 s'],
  [300, '5 minutes'],
  [86_400, '24 hours'],
  [3.2e-7, '320 ns'],
])('%d seconds are %s', (seconds, text) => expect(time(seconds)).toBe(text))
