"""The formulas of one network, for many: symbols that depend on parameters get a leading axis.

    one    x (n, in)  @  w (in, out)     + b (out,)        ->  (n, out)
    many   x (n, in)  @  w (K, in, out)  + b (K, 1, out)   ->  (K, n, out)

A NumPy call costs about as much for a small array as for one 64 times as large, so K small networks
that are computed together take little longer than one. The trace is rewritten symbol by symbol, by
one rule for each primitive; what no parameter enters into is computed once for all. The new trace
is planned like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from .primitives import copy
from .trace import Array, Call, Primitive, Shape, Symbol, apply, in_order

Rule = Callable[[Symbol, Sequence[Symbol], int], Symbol]
"""`rule(y, inputs, copies)`: the many of y, from its inputs, at least one of them for many."""


def replicate(
    outputs: Sequence[Symbol], many: Collection[Symbol], copies: int
) -> tuple[list[Symbol], dict[Symbol, Symbol]]:
    """The outputs for `copies` networks at once, each `(copies, *shape)`.

    The leaves in `many` have a value for each network. Returns the new outputs, and for each leaf
    of the trace its new leaf.
    """
    made: dict[Symbol, Symbol] = {}
    leaves: dict[Symbol, Symbol] = {}
    for y in in_order(outputs):
        if y.primitive is None:
            made[y] = Symbol((copies, *y.shape)) if y in many else y
            if y.value is None:
                leaves[y] = made[y]
            continue
        inputs = [made[x] for x in y.inputs]
        if all(new is old for new, old in zip(inputs, y.inputs, strict=True)):
            made[y] = y
            continue
        made[y] = RULES.get(y.primitive.name, _one_by_one)(y, inputs, copies)
    return [_for_each(made[y], y, copies) for y in outputs], leaves


def _is_many(new: Symbol, old: Symbol) -> bool:
    return new is not old


def _for_each(new: Symbol, old: Symbol, copies: int) -> Symbol:
    """A shared value, written out for each network."""
    return new if _is_many(new, old) else apply("copy", (copies, *old.shape), new)


def _aligned(new: Symbol, old: Symbol, rank: int) -> Symbol:
    """Many arrays, seen such that the leading axis stays in front as they broadcast to `rank`."""
    missing = rank - len(old.shape)
    if not _is_many(new, old) or missing == 0:
        return new
    return Symbol((new.shape[0], *(1,) * missing, *old.shape), _ALIGN, (new,))


# ---------------------------------------------------------------- primitives for many


def _no_gradients(y: Symbol, g: Symbol) -> list[Symbol | None]:
    raise NotImplementedError("many networks are differentiated before they are replicated")


def _inserted(x: Array, shape: Shape) -> Array:
    missing = len(shape) - x.ndim
    return x[(slice(None), *(None,) * missing)]


def _sum_each_calls(x: Array, out: Array) -> list[Call]:
    """Sum `(K, *shape)` to `(K, *part)` over the axes along which each part was broadcast."""
    expanded = _inserted(out, x.shape)
    axes = tuple(i for i in range(1, x.ndim) if expanded.shape[i] == 1 and x.shape[i] != 1)
    if x.ndim == 3 and axes == (1,):
        # A product with ones is several times faster than a reduction over a short axis.
        return [(np.matmul, (np.ones((1, x.shape[1]), x.dtype), x, expanded))]
    if x.ndim == 3 and axes == (2,):
        return [(np.matmul, (x, np.ones((x.shape[2], 1), x.dtype), expanded))]
    return [(np.add.reduce, (x, axes, None, expanded, True))]


def _product_calls(a: Array, b: Array, out: Array) -> list[Call]:
    # A column by a row, from a layer of one unit: NumPy spreads both faster than BLAS multiplies.
    return [(np.multiply if a.shape[-1] == 1 else np.matmul, (a, b, out))]


def _windows_of_each(tall: int, down: int, shifted: Array, shape: Shape) -> Array:
    """As the primitive `windows` (see `convolution.py`), behind a leading axis."""
    line = shape[3] * shifted.itemsize
    strides = (shifted.strides[0], down * shifted.strides[1], line, shifted.itemsize)
    return as_strided(shifted, shape, strides)


_ALIGN = Primitive("align", _no_gradients, view=_inserted)
_PRODUCTS = Primitive("products", _no_gradients, _product_calls)
_WINDOWS = Primitive("windows of each", _no_gradients, view=_windows_of_each)
_SUMS = Primitive("sums", _no_gradients, _sum_each_calls)

# ---------------------------------------------------------------- rules


def _elementwise(y: Symbol, inputs: Sequence[Symbol], copies: int) -> Symbol:
    rank = len(y.shape)
    aligned = (_aligned(new, old, rank) for new, old in zip(inputs, y.inputs, strict=True))
    return Symbol((copies, *y.shape), y.primitive, tuple(aligned))


def _product(y: Symbol, inputs: Sequence[Symbol], copies: int) -> Symbol:
    rank = len(y.shape)
    aligned = (_aligned(new, old, rank) for new, old in zip(inputs, y.inputs, strict=True))
    return Symbol((copies, *y.shape), _PRODUCTS, tuple(aligned))


def _permute(y: Symbol, inputs: Sequence[Symbol], copies: int) -> Symbol:
    (axes,) = y.details
    return inputs[0].permute((0, *(axis + 1 for axis in axes)))


def _sum_to(y: Symbol, inputs: Sequence[Symbol], copies: int) -> Symbol:
    return Symbol((copies, *y.shape), _SUMS, tuple(inputs))


def _broadcast(y: Symbol, inputs: Sequence[Symbol], copies: int) -> Symbol:
    x = _aligned(inputs[0], y.inputs[0], len(y.shape))
    return apply("broadcast", (copies, *y.shape), x)


def _reshape(y: Symbol, inputs: Sequence[Symbol], copies: int) -> Symbol:
    return inputs[0].reshape((copies, *y.shape))


def _cut(y: Symbol, inputs: Sequence[Symbol], copies: int) -> Symbol:
    axis, start, stop, step = y.details
    return inputs[0].cut(axis + 1, start, stop, step)


def _place(y: Symbol, inputs: Sequence[Symbol], copies: int) -> Symbol:
    axis, offsets = y.details
    parts = (_for_each(new, old, copies) for new, old in zip(inputs, y.inputs, strict=True))
    return apply("place", (copies, *y.shape), *parts, details=(axis + 1, offsets))


def _with_ones(y: Symbol, inputs: Sequence[Symbol], copies: int) -> Symbol:
    # A separate copy: the ones come between one network and the next.
    return Symbol((copies, *y.shape), y.primitive, (copy(inputs[0]),))


def _without_ones(y: Symbol, inputs: Sequence[Symbol], copies: int) -> Symbol:
    return Symbol((copies, *y.shape), y.primitive, tuple(inputs))


def _largest(y: Symbol, inputs: Sequence[Symbol], copies: int) -> Symbol:
    (axes,) = y.details
    shifted = tuple(axis + 1 for axis in axes)
    return apply("largest", (copies, *y.shape), inputs[0], details=(shifted,))


def _windows(y: Symbol, inputs: Sequence[Symbol], copies: int) -> Symbol:
    return Symbol((copies, *y.shape), _WINDOWS, tuple(inputs), details=y.details)


def _side_by_side(y: Symbol, inputs: Sequence[Symbol], copies: int) -> Symbol:
    """For primitives that take one more axis in front of all their arrays."""
    arrays = (_for_each(new, old, copies) for new, old in zip(inputs, y.inputs, strict=True))
    return Symbol((copies, *y.shape), y.primitive, tuple(arrays), details=y.details)


def _one_by_one(y: Symbol, inputs: Sequence[Symbol], copies: int) -> Symbol:
    """The calls of one network after another: right for every primitive."""
    primitive = y.primitive
    assert primitive is not None
    if primitive.view is not None:
        raise ValueError(f"the primitive {primitive.name} cannot be computed for many")
    many = [_is_many(new, old) for new, old in zip(inputs, y.inputs, strict=True)]

    def calls(*arrays: Any) -> list[Call]:
        known, given = len(y.details), len(y.details) + len(many)
        details, out, scratch = arrays[:known], arrays[given], arrays[given + 1 :]
        bound: list[Call] = []
        for k in range(copies):
            arguments = (x[k] if m else x for x, m in zip(arrays[known:given], many, strict=True))
            bound += primitive.calls(*details, *arguments, out[k], *scratch)
        return bound

    repeated = Primitive(
        f"{primitive.name}, one by one",
        _no_gradients,
        calls,
        scratch=lambda _: primitive.scratch(y),
    )
    return Symbol((copies, *y.shape), repeated, tuple(inputs), details=y.details)


_ELEMENTWISE = (
    "add",
    "subtract",
    "multiply",
    "divide",
    "maximum",
    "equal",
    "copy",
    "square",
    "sqrt",
    "exp",
    "expm1",
    "log",
    "tanh",
    "sin",
    "cos",
    "sigmoid",
    "softplus",
    "absolute",
    "sign",
    "positive_part",
    "negative_part",
    "is_positive",
    "step",
    "normal_cdf",
    "normal_density",
    "standardize",
    # Along the last axis, which stays the last.
    "softmax",
)
_FUSED = (
    *("rnn", "rnn_gradients", "lstm", "lstm_gradients", "gru", "gru_gradients"),
    *("logits", "gather", "softmax_of_columns"),
    *("largest_in_windows", "largest_in_windows_gradients"),
)
RULES: dict[str, Rule] = {
    **dict.fromkeys(_ELEMENTWISE, _elementwise),
    **dict.fromkeys(_FUSED, _side_by_side),
    "dot": _product,
    "matmul": _product,
    "reshape": _reshape,
    "cut": _cut,
    "place": _place,
    "with_ones": _with_ones,
    "without_ones": _without_ones,
    "largest": _largest,
    "windows": _windows,
    "permute": _permute,
    "sum_to": _sum_to,
    "broadcast": _broadcast,
}
"""The rule of each primitive by its name; the others are computed network by network."""
