"""A symbolic array knows its shape and how it is computed, but holds no numbers.

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

import math
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
    gradients: Callable[[Symbol, Symbol], Sequence[Symbol | None]]
    """`gradients(y, g)`: given dL/dy, of y's shape, dL/dx for each input x of y, of x's shape."""
    calls: Callable[..., list[Call]] = lambda *arrays: []
    """`calls(*details, *inputs, out, *scratch)`: the bound NumPy calls that fill `out`."""
    overwrites: tuple[int, ...] = ()
    """Indices of the inputs that lend their memory to the output after their last use."""
    scratch: Callable[[Symbol], Sequence[Shape]] = lambda y: ()
    """The shapes of scratch arrays that the calls need."""
    view: Callable[..., Array] | None = None
    """For an output that shares its input's memory, `view(*details, x, shape)` in place of any
    calls."""
    extends: bool = False
    """For a view that is its input and a row of ones, which lies in memory behind the input."""
    flops: Callable[[Symbol], int] = lambda y: 0
    """Multiplications and additions of a matrix product."""


class Symbol:
    """A symbolic array: the result of a primitive, a constant, or a leaf with a later value."""

    __slots__ = ("details", "inputs", "primitive", "shape", "value")

    def __init__(
        self,
        shape: Shape,
        primitive: Primitive | None = None,
        inputs: tuple[Symbol, ...] = (),
        value: float | Array | None = None,
        details: tuple[Any, ...] = (),
    ) -> None:
        self.shape = shape
        self.primitive = primitive
        self.inputs = inputs
        self.value = value
        """The number that fills a constant, or its numbers; None for all others."""
        self.details = details
        """Arguments of the primitive besides its inputs, such as the axes to permute."""

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
        """The product of matrices `(…, i, j)` and `(…, j, k)`, or of all rows with one `(j, k)`."""
        a, b = self.shape, other.shape
        if min(len(a), len(b)) < 2 or a[-1] != b[-2] or (len(b) > 2 and a[:-2] != b[:-2]):
            raise ValueError(f"cannot multiply the matrices {a} and {b}")
        if len(b) > 2:
            return apply("matmul", (*a[:-1], b[-1]), self, other)
        rows = self.reshape((math.prod(a[:-1]), a[-1]))
        return apply("dot", (rows.shape[0], b[1]), rows, other).reshape((*a[:-1], b[1]))

    @property
    def T(self) -> Symbol:
        """The transpose of a matrix, or of all matrices in the last two axes."""
        axes = range(len(self.shape))
        return self.permute((*axes[:-2], axes[-1], axes[-2]))

    def permute(self, axes: Sequence[int]) -> Symbol:
        """The axes in another order: axis i of the result is axis `axes[i]` of this."""
        axes = tuple(axes)
        if axes == tuple(range(len(axes))):
            return self
        shape = tuple(self.shape[i] for i in axes)
        if isinstance(self.value, float):
            return constant(self.value, shape)
        if is_permuted(self):
            (before,) = self.details
            return self.inputs[0].permute([before[i] for i in axes])
        return apply("permute", shape, self, details=(axes,))

    def reshape(self, shape: Shape) -> Symbol:
        """The same elements in the same order, counted along other axes; one may be -1."""
        if -1 in shape:
            rest = -math.prod(shape)
            shape = tuple(math.prod(self.shape) // rest if n == -1 else n for n in shape)
        if math.prod(shape) != math.prod(self.shape):
            raise ValueError(f"cannot reshape {self.shape} to {shape}")
        if shape == self.shape:
            return self
        if isinstance(self.value, float):
            return constant(self.value, shape)
        if self.primitive is not None and self.primitive.name == "reshape":
            return self.inputs[0].reshape(shape)
        differs_in_units = [n for n in shape if n != 1] == [n for n in self.shape if n != 1]
        is_view = differs_in_units or is_contiguous(self)
        return apply("reshape", shape, self if is_view else apply("copy", self.shape, self))

    def cut(self, axis: int, start: int, stop: int, step: int = 1) -> Symbol:
        """Every `step`-th element from `start` up to, not including, `stop` along an axis."""
        axis %= len(self.shape)
        indices = range(start, stop, step)
        if len(indices) == self.shape[axis]:
            return self
        shape = (*self.shape[:axis], len(indices), *self.shape[axis + 1 :])
        if isinstance(self.value, float):
            return constant(self.value, shape)
        if self.primitive is not None and self.primitive.name == "place":
            placed, where = self.inputs[0], (axis, ((start, step),))
            if self.details == where and placed.shape == shape:
                return placed
        return apply("cut", shape, self, details=(axis, start, stop, step))


PRIMITIVES: dict[str, Primitive] = {}
"""All primitives by name; the package `primitives` fills the table."""


def define(primitive: Primitive) -> None:
    """Add a primitive to the table."""
    PRIMITIVES[primitive.name] = primitive


def leaf(shape: Shape) -> Symbol:
    """Return an array with a value at run time: an input, a target, a parameter."""
    return Symbol(shape)


def constant(value: float | Array, shape: Shape = ()) -> Symbol:
    """An array of `shape` filled with one number; or the given numbers in their shape."""
    if isinstance(value, np.ndarray):
        return Symbol(value.shape, value=value)
    return Symbol(shape, value=value)


def apply(name: str, shape: Shape, *inputs: Symbol, details: tuple[Any, ...] = ()) -> Symbol:
    """The result, of `shape`, of the primitive `name` on the inputs."""
    return Symbol(shape, PRIMITIVES[name], inputs, details=details)


def elementwise(name: str, *inputs: Symbol | float) -> Symbol:
    """The result of an element-wise primitive on inputs that broadcast against each other.

    Factors that are constants are worked out here rather than in every training step. Inputs with
    equally permuted axes are processed as they lie in memory, and the result is permuted instead.
    """
    symbols = [x if isinstance(x, Symbol) else constant(float(x)) for x in inputs]
    shape = np.broadcast_shapes(*(x.shape for x in symbols))
    if name == "multiply":
        a, b = symbols
        if isinstance(a.value, float) and isinstance(b.value, float):
            return constant(a.value * b.value, shape)
        for factor, other in ((a, b), (b, a)):
            if isinstance(factor.value, float) and factor.value == 1.0 and other.shape == shape:
                return other
    orders = {x.details[0] for x in symbols if is_permuted(x)}
    if len(orders) == 1:
        axes = orders.pop()
        below = [beneath(x, axes) for x in symbols]
        if all(x is not None for x in below):
            return elementwise(name, *(x for x in below if x is not None)).permute(axes)
    return apply(name, shape, *symbols)


def beneath(x: Symbol, axes: Sequence[int]) -> Symbol | None:
    """The symbol that broadcasts as x does when permuted by `axes`; None if that needs a
    rearrangement."""
    if is_permuted(x):
        return x.inputs[0] if x.details[0] == tuple(axes) else None
    if len(x.shape) > len(axes) or sum(n > 1 for n in x.shape) > 1:
        return None
    if x.shape == ():
        return x
    padded = (1,) * (len(axes) - len(x.shape)) + x.shape
    return x.reshape(tuple(padded[i] for i in inverse(axes)))


def inverse(axes: Sequence[int]) -> tuple[int, ...]:
    """The order of axes that undoes `axes`."""
    return tuple(sorted(range(len(axes)), key=axes.__getitem__))


def is_permuted(x: Symbol) -> bool:
    """Whether x is another symbol with its axes in another order."""
    return x.primitive is not None and x.primitive.name == "permute"


def is_computed(x: Symbol) -> bool:
    """Whether calls compute x, rather than x being given or a view."""
    return x.primitive is not None and x.primitive.view is None


def is_contiguous(x: Symbol) -> bool:
    """Whether the elements of x lie in memory one after the other, in the order of its axes."""
    while x.primitive is not None and x.primitive.view is not None:
        is_a_run = x.primitive.name == "cut" and x.details[0] == 0 and x.details[3] == 1
        if not (x.primitive.name == "reshape" or is_a_run):
            return False
        x = x.inputs[0]
    return True


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
