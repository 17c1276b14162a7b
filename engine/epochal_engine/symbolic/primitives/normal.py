"""The normal distribution, as exact as the type of number allows, from calls that NumPy has."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import numpy as np

from ..trace import Array, Call, Primitive, Symbol, define, elementwise
from .elementary import bound


def normal_cdf(x: Symbol) -> Symbol:
    """The share of the standard normal distribution that lies below x."""
    return elementwise("normal_cdf", x)


def normal_density(x: Symbol) -> Symbol:
    """The density of the standard normal distribution at x, exp(-x²/2) / √(2π)."""
    return elementwise("normal_density", x)


# ---------------------------------------------------------------- single precision

_CURVE = (
    7.978849415e-01,
    3.633308445e-02,
    -3.259481625e-05,
    -5.530627005e-05,
    3.964760184e-06,
    -1.322647385e-07,
    1.756213793e-09,
)
_FARTHEST = 5.6
"""The share below x is (1 + tanh(x · P(x²))) / 2, with the coefficients of P, lowest power first.

They are a minimax fit of the share, with an error of 3e-8, for |x| up to the farthest x; beyond it
P(x²) stays what it is there, and the share is 0 or 1 to single precision. The first two are nearly
the numbers of gelu's tanh form, √(2/π) and 0.044715·√(2/π).
"""


def _single(x: Array, out: Array, square: Array) -> list[Call]:
    def number(value: float) -> Array:
        return np.array(value, x.dtype)

    first, *rest = (number(c) for c in reversed(_CURVE))
    half = number(0.5)
    calls: list[Call] = [
        (np.square, (x, square)),
        (partial(np.minimum, out=square), (square, bound(x, _FARTHEST**2))),
        (np.multiply, (square, first, out)),
    ]
    for coefficient in rest[:-1]:
        calls += [(np.add, (out, coefficient, out)), (np.multiply, (out, square, out))]
    return [
        *calls,
        (np.add, (out, rest[-1], out)),
        (np.multiply, (out, x, out)),
        (np.tanh, (out, out)),
        (np.multiply, (out, half, out)),
        (np.add, (out, half, out)),
    ]


# ---------------------------------------------------------------- double precision

_TAIL_SCALE = 4.0
_TAIL_DEGREE = 16
"""Terms that a float of 8 bytes can tell apart: the error is then 5e-15."""


def _tail_polynomial() -> list[float]:
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
        smooth, _TAIL_DEGREE, domain=[_TAIL_SCALE / (_TAIL_SCALE + farthest), 1.0]
    )
    power = fit.convert(kind=np.polynomial.Polynomial, domain=[-1, 1], window=[-1, 1])
    return [float(c) for c in power.coef[::-1]]


_TAIL = _tail_polynomial()


def _double(x: Array, out: Array, t: Array) -> list[Call]:
    half, scale = np.array(0.5), np.array(_TAIL_SCALE)
    first, *rest = (np.array(c) for c in _TAIL)
    calls: list[Call] = [
        (np.absolute, (x, t)),
        (np.add, (t, scale, t)),
        (np.divide, (scale, t, t)),
        (np.multiply, (t, first, out)),
    ]
    for coefficient in rest:
        calls += [(np.add, (out, coefficient, out)), (np.multiply, (out, t, out))]
    return [
        *calls,
        (np.square, (x, t)),
        (np.multiply, (t, np.array(-0.5), t)),
        (np.exp, (t, t)),
        (np.multiply, (out, t, out)),
        # The tail lies above |x|; for negative x it is the answer, for positive x its complement.
        (np.subtract, (half, out, out)),
        (np.copysign, (out, x, out)),
        (np.add, (out, half, out)),
    ]


# ---------------------------------------------------------------- calls


def _fill_share(x: Array, out: Array, calls: Sequence[Call]) -> None:
    """Fill `out` with the share below each x by calls of NumPy; `fused.c` has them as one loop."""
    for function, arguments in calls:
        function(*arguments)


def _fill_density(x: Array, out: Array, calls: Sequence[Call]) -> None:
    """Fill `out` with the density at each x by calls of NumPy; `fused.c` has them as one loop."""
    for function, arguments in calls:
        function(*arguments)


SHARE_NUMBERS = (_FARTHEST**2, *reversed(_CURVE))
"""The numbers of the share in single precision, in the order in which they are used."""
DENSITY_NUMBERS = (-0.5, 1.0 / math.sqrt(2.0 * math.pi))
"""The factors of the density, before and after the exponential."""


def _share_calls(x: Array, out: Array, scratch: Array) -> list[Call]:
    if x.itemsize == 4:
        return [(_fill_share, (x, out, _single(x, out, scratch)))]
    return _double(x, out, scratch)


def _density_calls(x: Array, out: Array) -> list[Call]:
    factor, peak = (np.array(number, x.dtype) for number in DENSITY_NUMBERS)
    calls: list[Call] = [
        (np.square, (x, out)),
        (np.multiply, (out, factor, out)),
        (np.exp, (out, out)),
        (np.multiply, (out, peak, out)),
    ]
    return [(_fill_density, (x, out, calls))] if x.itemsize == 4 else calls


define(
    Primitive(
        "normal_cdf",
        calls=_share_calls,
        gradients=lambda y, g: [g * normal_density(y.inputs[0])],
        scratch=lambda y: (y.shape,),
    )
)
define(
    Primitive(
        "normal_density",
        calls=_density_calls,
        gradients=lambda y, g: [g * y * y.inputs[0] * -1.0],
    )
)
