"""Backpropagation: walk the trace from the loss to the parameters, by the chain rule.

Every symbol y on the way carries g = dL/dy. Its primitive's rule turns g into dL/dx for each input
x; what arrives at x over several ways is added up. The result is again a trace, so the backward
pass is planned, and may be differentiated, like any other formula.

Source: Rumelhart, Hinton and Williams, "Learning representations by back-propagating errors",
Nature 323 (1986).
"""

from __future__ import annotations

from collections.abc import Sequence

from .primitives.shapes import add_up
from .trace import Symbol, constant, in_order


def differentiate(output: Symbol, variables: Sequence[Symbol]) -> list[Symbol]:
    """The derivative of the sum of `output` with respect to each variable, of the variable's shape.

    A variable on which the output does not depend has the derivative zero.
    """
    order = in_order([output])
    depends = set(variables)
    for symbol in order:
        if any(x in depends for x in symbol.inputs):
            depends.add(symbol)
    slopes = {output: constant(1.0, output.shape)}
    for symbol in reversed(order):
        if symbol.primitive is None or symbol not in slopes:
            continue
        for x, slope in zip(
            symbol.inputs, symbol.primitive.slopes(symbol, slopes[symbol]), strict=True
        ):
            if slope is not None and x in depends:
                slopes[x] = add_up(slopes[x], slope) if x in slopes else slope
    return [slopes.get(x, constant(0.0, x.shape)) for x in variables]
