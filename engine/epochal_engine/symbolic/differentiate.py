"""Backpropagation: walk the trace from the loss to the parameters, by the chain rule.

Every symbol y on the path has a gradient g = dL/dy. Its primitive's rule turns g into dL/dx for
each input x; the gradients of several paths to x are added. The result is again a trace, so the
backward pass is planned, and can be differentiated, like any other formula.

Source: Rumelhart, Hinton and Williams, "Learning representations by back-propagating errors",
Nature 323 (1986).
"""

from __future__ import annotations

from collections.abc import Sequence

from .primitives.shapes import add_up
from .trace import Symbol, constant, in_order


def differentiate(output: Symbol, variables: Sequence[Symbol]) -> list[Symbol]:
    """Return the gradient of the sum of `output` with respect to each variable, of its shape.

    A variable that the output does not depend on has the gradient zero.
    """
    order = in_order([output])
    depends = set(variables)
    for symbol in order:
        if any(x in depends for x in symbol.inputs):
            depends.add(symbol)
    gradients = {output: constant(1.0, output.shape)}
    for symbol in reversed(order):
        if symbol.primitive is None or symbol not in gradients:
            continue
        for x, gradient in zip(
            symbol.inputs, symbol.primitive.gradients(symbol, gradients[symbol]), strict=True
        ):
            if gradient is not None and x in depends:
                gradients[x] = add_up(gradients[x], gradient) if x in gradients else gradient
    return [gradients.get(x, constant(0.0, x.shape)) for x in variables]
