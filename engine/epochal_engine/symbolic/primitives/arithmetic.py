"""Arithmetic on two arrays that broadcast against each other; what was stretched is summed back."""

from __future__ import annotations

from functools import partial

import numpy as np

from ..trace import Primitive, Symbol, define, elementwise
from .shapes import alike, sum_to

define(
    Primitive(
        "add",
        calls=lambda a, b, out: alike(np.add, a, b, out),
        gradients=lambda y, g: [sum_to(g, x.shape) for x in y.inputs],
        overwrites=(0, 1),
    )
)
define(
    Primitive(
        "subtract",
        calls=lambda a, b, out: alike(np.subtract, a, b, out),
        gradients=lambda y, g: [sum_to(g, y.inputs[0].shape), sum_to(-g, y.inputs[1].shape)],
        overwrites=(0, 1),
    )
)
define(
    Primitive(
        "multiply",
        calls=lambda a, b, out: alike(np.multiply, a, b, out),
        gradients=lambda y, g: [
            sum_to(g * y.inputs[1], y.inputs[0].shape),
            sum_to(g * y.inputs[0], y.inputs[1].shape),
        ],
        overwrites=(0, 1),
    )
)
define(
    Primitive(
        "divide",
        calls=lambda a, b, out: alike(np.divide, a, b, out),
        gradients=lambda y, g: [
            sum_to(g / y.inputs[1], y.inputs[0].shape),
            sum_to(-(g * y / y.inputs[1]), y.inputs[1].shape),
        ],
        overwrites=(0, 1),
    )
)


def maximum(a: Symbol, b: Symbol) -> Symbol:
    """The larger of a and b, elementwise; where they are equal, the gradient goes to a."""
    return elementwise("maximum", a, b)


def equal(a: Symbol, b: Symbol) -> Symbol:
    """1 where a = b, else 0; its gradient is 0 everywhere."""
    return elementwise("equal", a, b)


def _maximum_gradients(y: Symbol, g: Symbol) -> list[Symbol]:
    a, b = y.inputs
    to_a = g * equal(a, y)
    return [sum_to(to_a, a.shape), sum_to(g - to_a, b.shape)]


# NumPy takes the output of these by keyword only, hence the partial.
define(
    Primitive(
        "maximum",
        calls=lambda a, b, out: [(partial(np.maximum, a, b, out=out), ())],
        gradients=_maximum_gradients,
        overwrites=(0, 1),
    )
)
define(
    Primitive(
        "equal",
        calls=lambda a, b, out: [(np.equal, (a, b, out))],
        gradients=lambda y, g: [None, None],
        overwrites=(0, 1),
    )
)
