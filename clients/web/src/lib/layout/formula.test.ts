import { describe, expect, it } from 'vitest'

import { pieces } from './formula'

const named = (formula: string) =>
  pieces(formula)
    .filter((piece) => piece.kind === 'name')
    .map(
      (piece) =>
        piece.text + (piece.sub ? `_${piece.sub}` : '') + (piece.sup ? `^${piece.sup}` : ''),
    )

describe('a formula', () => {
  it('has names with indices in several notations', () => {
    expect(named('z = w1·x₁ + b_2')).toEqual(['z', 'w_1', 'x_1', 'b_2'])
    expect(named('z = Σ wᵢ·xᵢ + b')).toEqual(['z', 'w_i', 'x_i', 'b'])
    expect(named('∂L/∂a2 = Σₖ w2,k·δk')).toEqual(['L', 'a_2', 'w_2,k', 'δ_k'])
    expect(named('z4 = Σᵢ wᵢ,4·xᵢ')).toEqual(['z_4', 'w_i,4', 'x_i'])
    expect(named('∂L/∂w1,3 = x1·δ3')).toEqual(['L', 'w_1,3', 'x_1', 'δ_3'])
  })

  it('distinguishes words from names', () => {
    expect(named('σ(z) = 1 / (1 + exp(-z))')).toEqual(['σ', 'z', 'z'])
    expect(named('relu(x) = max(0, x)')).toEqual(['x', 'x'])
    expect(pieces("leaky_relu'(x)")[0]).toMatchObject({ kind: 'word', text: 'leaky_relu' })
  })

  it('has numbers with signs, powers and exponents', () => {
    const match = pieces('x² + 1.5e-05')
    expect(match.at(0)).toMatchObject({ kind: 'name', text: 'x', sup: '2' })
    expect(match.at(-1)).toEqual({ kind: 'number', text: '1.5×10', sup: '−5' })
    expect(pieces('-2').map((piece) => piece.text)).toEqual(['−', '2'])
  })

  it('separates the sign of a derivative from its name', () => {
    expect(named('∂L/∂w1 = δ·x1')).toEqual(['L', 'w_1', 'δ', 'x_1'])
  })
})
