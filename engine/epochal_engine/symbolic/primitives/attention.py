"""The products of attention: every position with every other, for several heads side by side.

    scores[n, h, i, j] = Σₛ a[n, i, h, s] · b[n, j, h, s]
    found[n, j, h, s]  = Σᵢ w[n, h, i, j] · v[n, i, h, s]

Each is the other's gradient. Both have positions before heads, as the layers around them do, so
that nothing has to be rearranged on the way; and the values that are weighed against each other are
in a column, where the sum and the largest are found for all columns at once.
"""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from ..trace import Array, Call, Primitive, Shape, Symbol, apply, define
from .shapes import contiguous, sum_to

COLUMNS = 16_384
"""Numbers that are copied into columns at a time, and stay in the nearest cache."""


def scores(a: Symbol, b: Symbol) -> Symbol:
    """The products of `(n, i, heads, s)` and `(n, j, heads, s)`, `(n, heads, i, j)`."""
    n, i, heads, _ = a.shape
    return apply("scores", (n, heads, i, b.shape[1]), contiguous(a), contiguous(b))


def gather(weights: Symbol, values: Symbol) -> Symbol:
    """The sums of values `(n, i, heads, s)` by weights `(n, heads, i, j)`, `(n, j, heads, s)`."""
    n, heads, _, j = weights.shape
    return apply("gather", (n, j, heads, values.shape[3]), weights, contiguous(values))


def softmax_of_columns(x: Symbol) -> Symbol:
    """exp(x) along the last axis but one, divided by its sum."""
    return apply("softmax_of_columns", x.shape, x)


def _row(y: Symbol) -> Shape:
    return (*y.shape[:-2], 1, y.shape[-1])


def _half(y: Symbol) -> Shape:
    return (*y.shape[:-2], max(y.shape[-2] // 2, 1), y.shape[-1])


def _heads_first(x: Array) -> Array:
    return x.swapaxes(-3, -2)


def _columns(y: Symbol) -> list[Shape]:
    n, j, heads, s = y.inputs[1].shape
    return [(min(max(COLUMNS // (j * heads * s), 1), n), heads, s, j)]


def _scores_calls(a: Array, b: Array, out: Array, columns: Array) -> list[Call]:
    """The products of rows with rows, which BLAS multiplies half as fast as rows with columns."""
    calls: list[Call] = []
    for start in range(0, len(out), len(columns)):
        part = slice(start, start + len(columns))
        few = columns[: len(out[part])]
        calls += [
            (np.copyto, (few, _heads_first(b[part]).swapaxes(-1, -2))),
            (np.matmul, (_heads_first(a[part]), few, out[part])),
        ]
    return calls


def _softmax_of_columns_calls(x: Array, out: Array, half: Array, row: Array) -> list[Call]:
    ones = np.ones((1, x.shape[-2]), x.dtype)
    return [
        *_largest_of_columns(x, half, row),
        (np.subtract, (x, row, out)),
        (np.exp, (out, out)),
        (np.matmul, (ones, out, row)),
        (np.divide, (out, row, out)),
    ]


def _largest_of_columns(x: Array, half: Array, row: Array) -> list[Call]:
    """Fill `row` `(…, 1, n)` from x `(…, rows, n)`: the larger ones of both halves, and so on."""
    calls: list[Call] = []
    rows = x.shape[-2]
    while rows > 1:
        middle = rows // 2
        upper, lower = x[..., :middle, :], x[..., middle : 2 * middle, :]
        larger = half[..., :middle, :]
        calls.append((partial(np.maximum, out=larger), (upper, lower)))
        if rows % 2 == 1:
            first, last = larger[..., :1, :], x[..., rows - 1 : rows, :]
            calls.append((partial(np.maximum, out=first), (first, last)))
        x, rows = half, middle
    return [*calls, (np.copyto, (row, x[..., :1, :]))]


define(
    Primitive(
        "scores",
        calls=_scores_calls,
        gradients=lambda y, g: [gather(g.T, y.inputs[1]), gather(g, y.inputs[0])],
        scratch=_columns,
        flops=lambda y: 2 * math.prod(y.shape) * y.inputs[0].shape[-1],
    )
)
define(
    Primitive(
        "gather",
        calls=lambda weights, values, out: [
            (np.matmul, (weights.swapaxes(-1, -2), _heads_first(values), _heads_first(out)))
        ],
        gradients=lambda y, g: [scores(y.inputs[1], g), gather(y.inputs[0].T, g)],
        flops=lambda y: 2 * math.prod(y.shape) * y.inputs[0].shape[2],
    )
)
define(
    Primitive(
        "softmax_of_columns",
        calls=_softmax_of_columns_calls,
        gradients=lambda y, g: [y * (g - sum_to(g * y, _row(y)))],
        overwrites=(0,),
        scratch=lambda y: (_half(y), _row(y)),
    )
)
