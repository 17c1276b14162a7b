import { describe, expect, it } from 'vitest'

import { toCurl, toJson, toPython } from './code'
import { START, type Spec } from './spec'

const spec: Spec = {
  ...START,
  name: "it's",
  network: { input_shape: [2], layers: [{ type: 'dense', units: 1, use_bias: false }] },
}

describe('settings as code', () => {
  it('are valid JSON', () => {
    expect(JSON.parse(toJson(spec))).toEqual(spec)
  })

  it('put short values on one line', () => {
    expect(toJson(START).split('\n')).toContain(
      '      {"type": "dense", "units": 1, "activation": "sigmoid"}',
    )
  })

  it('use Python literals in Python', () => {
    const text = toPython(spec, 'http://host')
    expect(text).toContain('epochal.Client("http://host")')
    expect(text).toContain('"use_bias": False')
    expect(text).not.toContain('false')
  })

  it('escape quotes for the shell', () => {
    const text = toCurl(spec, 'http://host')
    expect(text).toContain(`"it'\\''s"`)
    const body = text.slice(text.indexOf("'") + 1, -1).replaceAll(`'\\''`, "'")
    expect(JSON.parse(body)).toEqual(spec)
  })
})
