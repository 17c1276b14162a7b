"""The normal distribution, as exact as the type of number allows, from calls that NumPy has."""

from __future__ import annotations

import math

import numpy as np

from ..trace import Array, Call, Primitive, Symbol, define, elementwise
from .elementary import exp, square


def normal_cdf(x: Symbol) -> Symbol:
    """The share of the standard normal distribution that lies below x."""
    return elementwise("normal_cdf", x)


_TAIL_SCALE = 4.0
_TAIL_DEGREES = {4: 8, 8: 16}
"""Terms that a float of 4 or 8 bytes can tell apart: the error is then 2e-7 or 5e-15."""


def _tail_polynomial(degree: int) -> list[float]:
    """P with  share above a  =  exp(-a²/2) · t · P(t),  t = 4 / (4 + a),  for a ≥ 0.

    The left side falls like the exponential; what is left is smooth in t, and is interpolated here
    at Chebyshev nodes from the standard library's `erfc`. Coefficients, highest power first.
    """

    def smooth(nodes: Array) -> Array:
        return np.array(
            [
                0.5 * math.erfc(a / math.sqrt(2.0)) * math.exp(0.5 * a * a) / t
                for t in nodes
                for a in [_TAIL_SCALE / t - _TAIL_SCALE]
            ]
        )

    farthest = 36.0  # Beyond it the share underflows.
    fit = np.polynomial.Chebyshev.interpolate(
        smooth, degree, domain=[_TAIL_SCALE / (_TAIL_SCALE + farthest), 1.0]
    )
    power = fit.convert(kind=np.polynomial.Polynomial, domain=[-1, 1], window=[-1, 1])
    return [float(c) for c in power.coef[::-1]]


_TAILS = {size: _tail_polynomial(degree) for size, degree in _TAIL_DEGREES.items()}


def _normal_cdf_calls(x: Array, out: Array, t: Array, tail: Array) -> list[Call]:
    def number(value: float) -> Array:
        return np.array(value, x.dtype)

    half, scale = number(0.5), number(_TAIL_SCALE)
    first, *rest = (number(c) for c in _TAILS[x.dtype.itemsize])
    calls: list[Call] = [
        (np.absolute, (x, t)),
        (np.add, (t, scale, t)),
        (np.divide, (scale, t, t)),
        (np.multiply, (t, first, tail)),
    ]
    for coefficient in rest:
        calls += [(np.add, (tail, coefficient, tail)), (np.multiply, (tail, t, tail))]
    return [
        *calls,
        (np.square, (x, out)),
        (np.multiply, (out, number(-0.5), out)),
        (np.exp, (out, out)),
        (np.multiply, (tail, out, tail)),
        # The tail lies above |x|; for negative x it is the answer, for positive x its complement.
        (np.subtract, (half, tail, tail)),
        (np.copysign, (tail, x, tail)),
        (np.add, (tail, half, out)),
    ]


define(
    Primitive(
        "normal_cdf",
        calls=_normal_cdf_calls,
        slopes=lambda y, g: [
            g * (exp(square(y.inputs[0]) * -0.5) * (1.0 / math.sqrt(2.0 * math.pi)))
        ],
        scratch=lambda y: (y.shape, y.shape),
    )
)
