"""Sums and selections, and the same numbers seen in other shapes.

Views cost nothing: permuted, reshaped, cut and broadcast arrays share the memory of another array.
Each has its opposite as its gradient: cut and place, broadcast and sum.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.lib.stride_tricks import as_strided

from ..trace import (
    PRIMITIVES,
    Array,
    Call,
    Primitive,
    Shape,
    Symbol,
    apply,
    define,
    elementwise,
    inverse,
    is_computed,
    is_contiguous,
    is_permuted,
)

# ---------------------------------------------------------------- arrays of different shapes

FEW = 512
"""Elements up to which a call spends more time on its preparation than on its numbers."""


def alike(function: np.ufunc, a: Array, b: Array, out: Array) -> list[Call]:
    """The calls that fill `out` with `function(a, b)`, which broadcast to its shape.

    Where the shapes differ NumPy takes three times as long over few elements. So a single number
    loses its axes, and a short column is repeated along its rows by a product with ones.
    """
    calls: list[Call] = []
    operands = []
    for x in (a, b):
        if x.size == 1:
            operands.append(x.reshape(()))
        elif out.ndim == 2 and x.shape == (len(out), 1) != out.shape and out.size <= FEW:
            whole = np.empty(out.shape, out.dtype)
            calls.append((x.dot, (np.ones((1, out.shape[1]), x.dtype), whole)))
            operands.append(whole)
        else:
            operands.append(x)
    return [*calls, (function, (*operands, out))]


# ---------------------------------------------------------------- sums and largest elements


def sum_to(x: Symbol, shape: Shape) -> Symbol:
    """The sum of `x` over the axes along which an array of `shape` was stretched to fit it."""
    if x.shape == shape:
        return x
    if is_permuted(x):
        # Summed as it lies in memory.
        (axes,) = x.details
        padded = (1,) * (len(axes) - len(shape)) + shape
        below = sum_to(x.inputs[0], tuple(padded[i] for i in inverse(axes)))
        if sum(n > 1 for n in shape) <= 1:
            return below.reshape(shape)
        return below.permute(axes).reshape(shape)
    return apply("sum_to", shape, x)


def broadcast(x: Symbol, shape: Shape) -> Symbol:
    """`x` repeated along new or unit axes to the given shape; the opposite of `sum_to`."""
    if isinstance(x.value, float):
        return Symbol(shape, value=x.value)
    return x if x.shape == shape else apply("broadcast", shape, x)


def mean(x: Symbol) -> Symbol:
    """The mean of all elements, of shape `()`."""
    return mean_to(x, ())


def mean_to(x: Symbol, shape: Shape) -> Symbol:
    """The mean of `x` over the axes that `sum_to` sums over."""
    return sum_to(x, shape) * (math.prod(shape) / math.prod(x.shape))


def largest(x: Symbol, axes: Sequence[int]) -> Symbol:
    """The largest elements along `axes`, which stay, of length 1; equal ones share the gradient."""
    if is_permuted(x):
        (order,) = x.details
        return largest(x.inputs[0], sorted(order[i] for i in axes)).permute(order)
    shape = tuple(1 if i in axes else n for i, n in enumerate(x.shape))
    return apply("largest", shape, x, details=(tuple(axes),))


def _sum_to_calls(x: Array, out: Array) -> list[Call]:
    expanded = out.reshape((1,) * (x.ndim - out.ndim) + out.shape)
    left = [i for i in range(x.ndim) if expanded.shape[i] != 1]
    axes = tuple(i for i in range(x.ndim) if i not in left)
    # A product with ones is several times faster than a reduction over an axis.
    if x.ndim > 2 and axes == (x.ndim - 2,):
        return [(np.matmul, (np.ones((1, x.shape[-2]), x.dtype), x, expanded))]
    first, end = (left[0], left[-1] + 1) if left else (0, 0)
    if end - first != len(left) or not (x.flags.c_contiguous or (x.ndim == 2 and left)):
        return [(np.add.reduce, (x, axes, None, expanded, True))]
    before, after = math.prod(x.shape[:first]), math.prod(x.shape[end:])
    sums = out.reshape(-1)
    if after == 1:
        return [(np.ones(before, x.dtype).dot, (x.reshape(before, -1), sums))]
    rows = x.reshape(-1, after)
    if before == 1:
        return [(rows.dot, (np.ones(after, x.dtype), sums))]
    parts = np.empty(len(rows), x.dtype)
    return [
        (rows.dot, (np.ones(after, x.dtype), parts)),
        (np.ones(before, x.dtype).dot, (parts.reshape(before, -1), sums)),
    ]


def _largest_gradients(y: Symbol, g: Symbol) -> list[Symbol]:
    (x,) = y.inputs
    hits = elementwise("equal", x, y)
    return [hits * (g / sum_to(hits, y.shape))]


define(
    Primitive(
        "sum_to",
        calls=_sum_to_calls,
        gradients=lambda y, g: [broadcast(g, y.inputs[0].shape)],
    )
)
define(
    Primitive(
        "largest",
        calls=lambda axes, x, out: [(np.maximum.reduce, (x, axes, None, out, True))],
        gradients=_largest_gradients,
    )
)

# ---------------------------------------------------------------- other views of the same


def copy(x: Symbol) -> Symbol:
    """A copy of the numbers in separate memory."""
    return apply("copy", x.shape, x)


def with_row(x: Symbol, row: Symbol, index: Symbol) -> Symbol:
    """x `(n, length, …)` with `row` `(n, 1, …)` in place of the one at `index` `(1, 1)`, a whole
    number that is stored as a float. It costs one row where the result has the memory of x.
    """
    return apply("with_row", x.shape, x, row, index)


def contiguous(x: Symbol) -> Symbol:
    """x itself if its elements lie in memory one after the other, else a copy of it.

    A transposed product of matrices need not be copied: (A·B)ᵀ = Bᵀ·Aᵀ.
    """
    if is_permuted(x) and x.inputs[0].primitive is PRIMITIVES["dot"]:
        a, b = x.inputs[0].inputs
        return b.T @ a.T
    return x if is_contiguous(x) else copy(x)


define(
    Primitive(
        "copy",
        calls=lambda x, out: [(np.copyto, (out, x))],
        gradients=lambda y, g: [g],
    )
)
define(
    Primitive(
        "broadcast",
        gradients=lambda y, g: [sum_to(g, y.inputs[0].shape)],
        view=np.broadcast_to,
    )
)
define(
    Primitive(
        "permute",
        gradients=lambda y, g: [g.permute(inverse(y.details[0]))],
        view=lambda axes, x, shape: x.transpose(axes),
    )
)
define(
    Primitive(
        "reshape",
        gradients=lambda y, g: [g.reshape(y.inputs[0].shape)],
        view=lambda x, shape: np.reshape(x, shape, copy=False),
    )
)

# ---------------------------------------------------------------- a row of ones


def with_ones(x: Symbol) -> Symbol:
    """A matrix `(rows, n)` and a row of ones below it, which costs nothing where x is computed."""
    if x.primitive is not None and x.primitive.name == "without_ones":
        return x.inputs[0]
    return apply("with_ones", (x.shape[0] + 1, x.shape[1]), x if is_computed(x) else copy(x))


def without_ones(x: Symbol) -> Symbol:
    """A matrix `(rows + 1, n)` with ones in its last row, without that row."""
    return apply("without_ones", (x.shape[0] - 1, x.shape[1]), x)


def _write_row(out: Array, row: Array, index: Array) -> None:
    out[:, int(index[0, 0])] = row[:, 0]


define(
    Primitive(
        "with_row",
        # Nothing that is trained needs its derivative.
        gradients=lambda y, g: [None, None, None],
        calls=lambda x, row, index, out: [
            *([] if out is x else [(np.copyto, (out, x))]),
            (_write_row, (out, row, index)),
        ],
    )
)
define(
    Primitive(
        "with_ones",
        gradients=lambda y, g: [g.cut(0, 0, y.shape[0] - 1)],
        view=lambda x, shape: as_strided(x, shape),
        extends=True,
    )
)
define(
    Primitive(
        "without_ones",
        gradients=lambda y, g: [place(y.inputs[0].shape, 0, [(g, 0, 1)])],
        view=lambda x, shape: x[..., :-1, :],
    )
)

# ---------------------------------------------------------------- parts of an array


def place(shape: Shape, axis: int, parts: Sequence[tuple[Symbol, int, int]]) -> Symbol:
    """Zeros of `shape` with each part `(x, start, step)` added at `start, start + step, …`."""
    offsets = tuple((start, step) for _, start, step in parts)
    return apply("place", shape, *(x for x, _, _ in parts), details=(axis, offsets))


def concatenate(symbols: Sequence[Symbol], axis: int) -> Symbol:
    """The symbols one after the other along an axis."""
    axis %= len(symbols[0].shape)
    starts = np.cumsum([0, *(x.shape[axis] for x in symbols)]).tolist()
    shape = tuple(starts[-1] if i == axis else n for i, n in enumerate(symbols[0].shape))
    return place(shape, axis, [(x, start, 1) for x, start in zip(symbols, starts, strict=False)])


def add_up(a: Symbol, b: Symbol) -> Symbol:
    """a + b; parts that are placed into the same zeros are placed there together."""
    both = (a.primitive, b.primitive)
    if all(p is not None and p.name == "place" for p in both) and a.details[0] == b.details[0]:
        details = (a.details[0], a.details[1] + b.details[1])
        return apply("place", a.shape, *a.inputs, *b.inputs, details=details)
    return a + b


def _part(axis: int, length: int, start: int, step: int) -> tuple[slice, ...]:
    return (*(slice(None),) * axis, slice(start, start + (length - 1) * step + 1, step))


def _place_calls(axis: int, offsets: Sequence[tuple[int, int]], *arrays: Array) -> list[Call]:
    *inputs, out = arrays
    if out.size > FEW and all(step == 1 for _, step in offsets):
        return sum_of_parts(out, axis, [start for start, _ in offsets], inputs)
    parts = [_part(axis, x.shape[axis], *where) for x, where in zip(inputs, offsets, strict=True)]
    taken = np.zeros(out.shape[axis], np.intp)
    for part in parts:
        taken[part[-1]] += 1
    calls: list[Call] = [] if (taken == 1).all() else [(out.fill, (0,))]
    for x, part in zip(inputs, parts, strict=True):
        target = out[part]
        calls.append(
            (np.copyto, (target, x)) if taken.max() == 1 else (np.add, (target, x, target))
        )
    return calls


def sum_of_parts(
    out: Array, axis: int, starts: Sequence[int], parts: Sequence[Array]
) -> list[Call]:
    """Return the calls that fill `out` with zeros to which each part is added from its start on.

    Zeros are written only where no part is: the first part at a position is added to a number.
    """
    calls: list[Call] = []
    taken = np.zeros(out.shape[axis], np.intp)
    for start, part in zip(starts, parts, strict=True):
        taken[start : start + part.shape[axis]] += 1
    is_sum, zero = taken.max(initial=0) > 1, np.zeros((), out.dtype)
    written = taken == 0
    for first, end in _runs(written, 0, len(taken)):
        if written[first]:
            calls.append((out[_part(axis, end - first, first, 1)].fill, (0,)))
    for start, part in zip(starts, parts, strict=True):
        for first, end in _runs(written, start, start + part.shape[axis]):
            target = out[_part(axis, end - first, first, 1)]
            x = part[_part(axis, end - first, first - start, 1)]
            if is_sum:
                calls.append((np.add, (target if written[first] else zero, x, target)))
            else:
                calls.append((np.copyto, (target, x)))
        written[start : start + part.shape[axis]] = True
    return calls


def _runs(values: Array, start: int, stop: int) -> list[tuple[int, int]]:
    """Return first and end of each run of equal values between two positions."""
    changes = np.flatnonzero(np.diff(values[start:stop])) + start + 1
    return list(pairwise([start, *changes.tolist(), stop]))


def _place_gradients(y: Symbol, g: Symbol) -> list[Symbol]:
    axis, offsets = y.details
    return [
        g.cut(axis, start, start + (x.shape[axis] - 1) * step + 1, step)
        for x, (start, step) in zip(y.inputs, offsets, strict=True)
    ]


define(Primitive("place", calls=_place_calls, gradients=_place_gradients))
define(
    Primitive(
        "cut",
        gradients=lambda y, g: [
            place(y.inputs[0].shape, y.details[0], [(g, y.details[1], y.details[3])])
        ],
        view=lambda axis, start, stop, step, x, shape: x[
            (*(slice(None),) * axis, slice(start, stop, step))
        ],
    )
)
