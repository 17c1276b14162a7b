"""Functions of one element: y = f(x), with f'(x) in terms of x or y, whichever is cheaper."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np

from ..trace import Array, Call, Primitive, Symbol, define, elementwise

_ENOUGH = 1_024
"""Number of elements from which the overhead of a call is small."""


def square(x: Symbol) -> Symbol:
    return elementwise("square", x)


def sqrt(x: Symbol) -> Symbol:
    return elementwise("sqrt", x)


def exp(x: Symbol) -> Symbol:
    return elementwise("exp", x)


def expm1(x: Symbol) -> Symbol:
    """exp(x) - 1, exact near zero."""
    return elementwise("expm1", x)


def log(x: Symbol) -> Symbol:
    return elementwise("log", x)


def tanh(x: Symbol) -> Symbol:
    return elementwise("tanh", x)


def sin(x: Symbol) -> Symbol:
    return elementwise("sin", x)


def cos(x: Symbol) -> Symbol:
    return elementwise("cos", x)


def sigmoid(x: Symbol) -> Symbol:
    """1 / (1 + exp(-x))."""
    return elementwise("sigmoid", x)


def softplus(x: Symbol) -> Symbol:
    """log(1 + exp(x))."""
    return elementwise("softplus", x)


def absolute(x: Symbol) -> Symbol:
    return elementwise("absolute", x)


def sign(x: Symbol) -> Symbol:
    """-1, 0 or 1."""
    return elementwise("sign", x)


def positive_part(x: Symbol) -> Symbol:
    """max(x, 0), with the derivative 0 at zero."""
    return elementwise("positive_part", x)


def negative_part(x: Symbol) -> Symbol:
    """Return min(x, 0), with the derivative 1 at zero, so that the parts and derivatives add up."""
    return elementwise("negative_part", x)


def is_positive(x: Symbol) -> Symbol:
    """1 where x > 0, else 0; its derivative is 0 everywhere."""
    return elementwise("is_positive", x)


def step(x: Symbol) -> Symbol:
    """1 where x ≥ 0, else 0; its derivative is 0 everywhere."""
    return elementwise("step", x)


def _unary(
    name: str,
    calls: Callable[[Array, Array], list[Call]],
    gradient: Callable[[Symbol, Symbol, Symbol], Symbol | None],
) -> None:
    """Define y = f(x); `gradient(x, y, g)` is dL/dx."""
    define(Primitive(name, lambda y, g: [gradient(y.inputs[0], y, g)], calls, overwrites=(0,)))


_unary("square", lambda x, out: [(np.square, (x, out))], lambda x, y, g: g * 2.0 * x)
_unary("sqrt", lambda x, out: [(np.sqrt, (x, out))], lambda x, y, g: g * 0.5 / y)
_unary("exp", lambda x, out: [(np.exp, (x, out))], lambda x, y, g: g * y)
_unary("expm1", lambda x, out: [(np.expm1, (x, out))], lambda x, y, g: g * (y + 1.0))
_unary("log", lambda x, out: [(np.log, (x, out))], lambda x, y, g: g / x)
_unary("tanh", lambda x, out: [(np.tanh, (x, out))], lambda x, y, g: g * (1.0 - square(y)))
_unary("sin", lambda x, out: [(np.sin, (x, out))], lambda x, y, g: g * cos(x))
_unary("cos", lambda x, out: [(np.cos, (x, out))], lambda x, y, g: g * -1.0 * sin(x))
_unary(
    "sigmoid",
    lambda x, out: [
        (np.negative, (x, out)),
        (np.exp, (out, out)),
        (np.add, (out, np.ones((), x.dtype), out)),
        (np.reciprocal, (out, out)),
    ],
    lambda x, y, g: g * (y * (1.0 - y)),
)
_unary(
    "softplus",
    lambda x, out: [(np.logaddexp, (x, np.zeros((), x.dtype), out))],
    lambda x, y, g: g * sigmoid(x),
)
_unary("absolute", lambda x, out: [(np.absolute, (x, out))], lambda x, y, g: g * sign(x))
_unary("sign", lambda x, out: [(np.sign, (x, out))], lambda x, y, g: None)


def bound(x: Array, value: float) -> Array:
    """Return copies of a value that broadcast to x, enough for NumPy to work at full speed.

    Against a single number `maximum` takes four times as long.
    """
    first = x.ndim
    while first > 0 and math.prod(x.shape[first:]) < _ENOUGH:
        first -= 1
    return np.full(x.shape[first:], value, x.dtype)


def _threshold_calls(compare: np.ufunc, at_zero: float, x: Array, out: Array) -> list[Call]:
    """Return the calls that fill `out` with `compare(x, 0)`, 1 or 0."""
    # Heaviside's function is the faster one for few elements, and far slower for many.
    if x.size < _ENOUGH // 2:
        return [(np.heaviside, (x, np.array(at_zero, x.dtype), out))]
    return [(compare, (x, np.zeros((), x.dtype), out))]


# NumPy takes the output of maximum and minimum by keyword only, hence the partial.
_unary(
    "positive_part",
    lambda x, out: [(partial(np.maximum, x, bound(x, 0.0), out=out), ())],
    lambda x, y, g: g * is_positive(y),
)
_unary(
    "negative_part",
    lambda x, out: [(partial(np.minimum, x, bound(x, 0.0), out=out), ())],
    lambda x, y, g: g * (1.0 - is_positive(x)),
)
_unary(
    "is_positive",
    lambda x, out: _threshold_calls(np.greater, 0.0, x, out),
    lambda x, y, g: None,
)
_unary(
    "step",
    lambda x, out: _threshold_calls(np.greater_equal, 1.0, x, out),
    lambda x, y, g: None,
)
