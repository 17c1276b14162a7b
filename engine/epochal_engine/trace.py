"""A symbolic array knows how it is made and what shape it has, but holds no numbers.

A formula that is written with symbolic arrays leaves a trace of itself behind:

    x, w, b = leaf((10, 2)), leaf((2, 8)), leaf((8,))
    y = tanh(x @ w + b)

    x ──┐
        @ ──┐
    w ──┘   + ── tanh ── y, of shape (10, 8)
    b ──────┘

From the trace the backward pass is derived (`differentiate`), and a list of NumPy calls that
computes either pass in memory set aside once (`plan`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]
Shape: TypeAlias = tuple[int, ...]
Call: TypeAlias = tuple[Callable[..., object], tuple[object, ...]]
"""A function and its arguments, to be called later: `function(*arguments)`."""


@dataclass(frozen=True, eq=False)
class Primitive:
    """An operation on arrays that NumPy can do, and its rule for the backward pass."""

    name: str
    slopes: Callable[[Symbol, Symbol], Sequence[Symbol | None]]
    """`slopes(y, g)`: given dL/dy, of y's shape, dL/dx for each input x of y, of x's shape."""
    calls: Callable[..., list[Call]] = lambda *arrays: []
    """`calls(*inputs, out, *scratch)`: the bound NumPy calls that fill `out`."""
    overwrites: tuple[int, ...] = ()
    """The inputs in whose memory the output may be written, once nobody needs them any more."""
    scratch: Callable[[Symbol], Sequence[Shape]] = lambda y: ()
    """The shapes of the arrays that the calls need as working space."""
    view: Callable[[Array, Shape], Array] | None = None
    """For an output that shares its input's memory, `view(x, shape)` in place of any calls."""


class Symbol:
    """An array to be: the result of a primitive, a constant, or a leaf that is given later."""

    __slots__ = ("inputs", "primitive", "shape", "value")

    def __init__(
        self,
        shape: Shape,
        primitive: Primitive | None = None,
        inputs: tuple[Symbol, ...] = (),
        value: float | None = None,
    ) -> None:
        self.shape = shape
        self.primitive = primitive
        self.inputs = inputs
        self.value = value
        """The number that fills a constant; None for all others."""

    def __add__(self, other: Symbol | float) -> Symbol:
        return elementwise("add", self, other)

    def __radd__(self, other: float) -> Symbol:
        return elementwise("add", other, self)

    def __sub__(self, other: Symbol | float) -> Symbol:
        return elementwise("subtract", self, other)

    def __rsub__(self, other: float) -> Symbol:
        return elementwise("subtract", other, self)

    def __mul__(self, other: Symbol | float) -> Symbol:
        return elementwise("multiply", self, other)

    def __rmul__(self, other: float) -> Symbol:
        return elementwise("multiply", other, self)

    def __truediv__(self, other: Symbol | float) -> Symbol:
        return elementwise("divide", self, other)

    def __rtruediv__(self, other: float) -> Symbol:
        return elementwise("divide", other, self)

    def __neg__(self) -> Symbol:
        return self * -1.0

    def __matmul__(self, other: Symbol) -> Symbol:
        if len(self.shape) != 2 or len(other.shape) != 2 or self.shape[1] != other.shape[0]:
            raise ValueError(f"cannot multiply the matrices {self.shape} and {other.shape}")
        return apply("dot", (self.shape[0], other.shape[1]), self, other)

    @property
    def T(self) -> Symbol:
        """The transpose of a matrix."""
        return apply("transpose", self.shape[::-1], self)


PRIMITIVES: dict[str, Primitive] = {}
"""All primitives by name; `primitives.py` fills the table."""


def leaf(shape: Shape) -> Symbol:
    """An array that will be given: an input, a target, a parameter."""
    return Symbol(shape)


def constant(value: float, shape: Shape = ()) -> Symbol:
    """An array of `shape` filled with one number."""
    return Symbol(shape, value=value)


def apply(name: str, shape: Shape, *inputs: Symbol) -> Symbol:
    """The result, of `shape`, of the primitive `name` on the inputs."""
    return Symbol(shape, PRIMITIVES[name], inputs)


def elementwise(name: str, *inputs: Symbol | float) -> Symbol:
    """The result of an element-wise primitive on inputs that broadcast against each other.

    Factors that are constants are worked out here rather than in every training step.
    """
    symbols = [x if isinstance(x, Symbol) else constant(float(x)) for x in inputs]
    shape = np.broadcast_shapes(*(x.shape for x in symbols))
    if name == "multiply":
        a, b = symbols
        if a.value is not None and b.value is not None:
            return constant(a.value * b.value, shape)
        for factor, other in ((a, b), (b, a)):
            if factor.value == 1.0 and other.shape == shape:
                return other
    return apply(name, shape, *symbols)


def in_order(outputs: Iterable[Symbol]) -> list[Symbol]:
    """All symbols that the outputs are made from, and the outputs, each after its inputs."""
    order: dict[Symbol, None] = {}
    pending: list[tuple[Symbol, bool]] = [(y, False) for y in reversed(list(outputs))]
    while pending:
        symbol, inputs_are_done = pending.pop()
        if inputs_are_done:
            order[symbol] = None
        elif symbol not in order:
            pending.append((symbol, True))
            pending.extend((x, False) for x in reversed(symbol.inputs))
    return list(order)
