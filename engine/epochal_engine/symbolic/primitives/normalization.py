"""Standardization to mean 0 and variance 1. Its gradient is simpler than its formula.

With y = (x - mean) / deviation, means and deviations taken along some axes, and g = dL/dy:

    dL/dx = (g - mean(g) - y · mean(g·y)) / deviation

Shifting or scaling all of x does not change y, so the gradient has no such part. Source: Ioffe and
Szegedy (2015); their three rules are one rule here.
"""

from __future__ import annotations

import numpy as np

from ..trace import Primitive, Symbol, define, elementwise
from .shapes import mean_to


def standardize(x: Symbol, centered: Symbol, rate: Symbol) -> Symbol:
    """centered · rate, where these are x - mean and 1 / deviation along the unit axes of `rate`.

    A small number may have been added to the variance. The gradient goes to x directly, past both.
    """
    return elementwise("standardize", x, centered, rate)


def _gradients(y: Symbol, g: Symbol) -> list[Symbol | None]:
    rate = y.inputs[2]
    pull = g - mean_to(g, rate.shape) - y * mean_to(g * y, rate.shape)
    return [pull * rate, None, None]


define(
    Primitive(
        "standardize",
        calls=lambda x, centered, rate, out: [(np.multiply, (centered, rate, out))],
        gradients=_gradients,
        overwrites=(1,),
    )
)
