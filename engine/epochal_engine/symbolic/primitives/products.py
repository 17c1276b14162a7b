"""Products of matrices, and rows that are looked up in one."""

from __future__ import annotations

import math

import numpy as np

from ..trace import Array, Call, Primitive, Symbol, apply, define, is_permuted
from .shapes import contiguous, with_ones


def affine(x: Symbol, weight: Symbol, bias: Symbol) -> Symbol:
    """Return x·W + b, for rows `(n, fan_in)`, or more of them along other axes.

    If the bias follows the weights in memory, as one more row of the same matrix, this is the
    product [x, 1]·[W; b], and the gradients of both are one product too. The result is then laid
    out by columns, with memory behind it for the row of ones of the next layer.
    """
    whole = _merged(weight, bias)
    if whole is None or len(x.shape) != 2:
        return x @ weight + bias
    columns = with_ones(x.T)
    if whole.shape[1] == 1:
        return columns.T @ whole
    return (whole.T @ columns).T


def _merged(weight: Symbol, bias: Symbol) -> Symbol | None:
    """The matrix with the bias in its last row and the weights in the others, if there is one."""
    row = bias.inputs[0] if bias.inputs else bias
    return weight.inputs[0] if weight.inputs and weight.inputs == row.inputs else None


def _product_flops(y: Symbol) -> int:
    return 2 * math.prod(y.shape) * y.inputs[0].shape[-1]


def _product_gradients(y: Symbol, g: Symbol) -> list[Symbol]:
    # A factor in transposed form has a gradient with the same layout in memory.
    a, b = y.inputs
    return [
        (b @ g.T).T if is_permuted(a) else g @ b.T,
        (g.T @ a).T if is_permuted(b) else a.T @ g,
    ]


define(
    Primitive(
        "dot",
        calls=lambda a, b, out: [(a.dot, (b, out))],
        gradients=_product_gradients,
        flops=_product_flops,
    )
)
define(
    Primitive(
        "matmul",
        calls=lambda a, b, out: [(np.matmul, (a, b, out))],
        # The transpose of g·bᵀ: where both lie in rows, BLAS multiplies it a third faster.
        gradients=lambda y, g: [(y.inputs[1] @ g.T).T, y.inputs[0].T @ g],
        flops=_product_flops,
    )
)


FEW_ROWS = 256
"""Up to this many rows, a product of matrices adds to the rows of a table."""


def take_rows(table: Symbol, indices: Symbol) -> Symbol:
    """The rows of a table `(rows, width)` at the indices, whole numbers kept as floats.

    The shape is `(*indices.shape, width)`. An index outside the table stands for the nearest row.
    """
    return apply("take_rows", (*indices.shape, table.shape[1]), table, indices)


def _add_rows(g: Symbol, indices: Symbol, rows: int) -> Symbol:
    """A table of zeros, plus the rows of g at the indices."""
    return apply("add_rows", (rows, g.shape[-1]), g, indices)


def _whole(indices: Array, rows: int) -> tuple[Array, list[Call]]:
    """An array for the indices as integers, and the calls that fill it."""
    whole = np.empty(indices.size, np.intp)
    return whole, [(_write_whole, (whole.reshape(indices.shape), indices, rows))]


def _write_whole(whole: Array, indices: Array, rows: int) -> None:
    np.copyto(whole, indices, casting="unsafe")
    np.clip(whole, 0, rows - 1, out=whole)


def _take_rows_calls(table: Array, indices: Array, out: Array) -> list[Call]:
    whole, calls = _whole(indices, len(table))
    return [*calls, (table.take, (whole, 0, out.reshape(len(whole), -1), "clip"))]


def _add_rows_calls(g: Array, indices: Array, out: Array) -> list[Call]:
    whole, calls = _whole(indices, len(out))
    rows = np.reshape(g, (len(whole), -1), copy=False)
    if len(out) > FEW_ROWS:
        return [*calls, (out.fill, (0,)), (np.add.at, (out, whole, rows))]
    # A product with rows that are 0 but for a single 1 is several times faster.
    hits = np.empty((len(whole), len(out)), g.dtype)
    return [*calls, (_mark, (whole, hits)), (hits.T.dot, (rows, out))]


def _mark(whole: Array, hits: Array) -> None:
    hits.fill(0)
    hits[np.arange(len(whole)), whole] = 1


define(
    Primitive(
        "take_rows",
        calls=_take_rows_calls,
        gradients=lambda y, g: [_add_rows(contiguous(g), y.inputs[1], y.inputs[0].shape[0]), None],
    )
)
define(
    Primitive(
        "add_rows",
        calls=_add_rows_calls,
        gradients=lambda y, g: [take_rows(g, y.inputs[1]), None],
    )
)
