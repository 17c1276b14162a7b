"""Products of matrices, and rows that are looked up in one."""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from ..trace import Array, Call, Primitive, Symbol, apply, define
from .shapes import contiguous


def _product_flops(y: Symbol) -> int:
    return 2 * math.prod(y.shape) * y.inputs[0].shape[-1]


define(
    Primitive(
        "dot",
        calls=lambda a, b, out: [(a.dot, (b, out))],
        slopes=lambda y, g: [g @ y.inputs[1].T, y.inputs[0].T @ g],
        flops=_product_flops,
    )
)
define(
    Primitive(
        "matmul",
        calls=lambda a, b, out: [(np.matmul, (a, b, out))],
        slopes=lambda y, g: [g @ y.inputs[1].T, y.inputs[0].T @ g],
        flops=_product_flops,
    )
)


FEW_ROWS = 256
"""Up to so many rows, adding to those of a table is done by a product of matrices."""


def take_rows(table: Symbol, indices: Symbol) -> Symbol:
    """The rows of a table `(rows, width)` at the indices, whole numbers kept as floats.

    Of shape `(*indices.shape, width)`. An index outside the table stands for the nearest row.
    """
    return apply("take_rows", (*indices.shape, table.shape[1]), table, indices)


def _add_rows(g: Symbol, indices: Symbol, rows: int) -> Symbol:
    """A table of zeros, to whose rows at the indices those of g are added."""
    return apply("add_rows", (rows, g.shape[-1]), g, indices)


def _whole(indices: Array, rows: int) -> tuple[Array, list[Call]]:
    """An array for the indices as integers, and the calls that fill it."""
    whole = np.empty(indices.size, np.intp)
    return whole, [
        (partial(np.copyto, casting="unsafe"), (whole.reshape(indices.shape), indices)),
        (partial(np.clip, out=whole), (whole, 0, rows - 1)),
    ]


def _take_rows_calls(table: Array, indices: Array, out: Array) -> list[Call]:
    whole, calls = _whole(indices, len(table))
    return [*calls, (table.take, (whole, 0, out.reshape(len(whole), -1), "clip"))]


def _add_rows_calls(g: Array, indices: Array, out: Array) -> list[Call]:
    whole, calls = _whole(indices, len(out))
    rows = np.reshape(g, (len(whole), -1), copy=False)
    if len(out) > FEW_ROWS:
        return [*calls, (out.fill, (0,)), (np.add.at, (out, whole, rows))]
    # A product with rows that are 0 but for a single 1 is several times faster.
    places, hits = np.arange(len(whole)), np.zeros((len(whole), len(out)), g.dtype)
    calls += [(hits.fill, (0,)), (hits.__setitem__, ((places, whole), 1))]
    return [*calls, (hits.T.dot, (rows, out))]


define(
    Primitive(
        "take_rows",
        calls=_take_rows_calls,
        slopes=lambda y, g: [_add_rows(contiguous(g), y.inputs[1], y.inputs[0].shape[0]), None],
    )
)
define(
    Primitive(
        "add_rows",
        calls=_add_rows_calls,
        slopes=lambda y, g: [take_rows(g, y.inputs[1]), None],
    )
)
