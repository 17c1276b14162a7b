"""Each call of a plan as a row of the table that `walk.c` walks.

A row says what to call and with which memory; it leaves no decision to the walk. The decisions that
NumPy makes at each call, how to merge axes and which routine of BLAS to call for a product, are
made here once, and as NumPy makes them. A call that has no row is called by Python.

    kind  function  data  operand × 3  count  step × 3  more
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import partial
from types import BuiltinMethodType, MethodType, MethodWrapperType
from typing import Any, TypeAlias

import numpy as np

from ..optimize.optimizers import Adam
from ..symbolic.primitives.normal import DENSITY_NUMBERS, SHARE_NUMBERS
from ..symbolic.trace import Array, Call, Shape
from .native import (
    address,
    inner_loop,
    largest_of_few_is_known,
    maximum_is_known,
    routine,
    shuffle_is_known,
)

Pair: TypeAlias = tuple[int, int]
MOST_SHORT, MOST_NEIGHBORS = 16, 128
"""Numbers along an axis that is not worth a call of NumPy's loop; and if they are neighbors in
memory, or one number stands still, so that the walk's own loop takes several at a time."""
FEWEST_COLUMNS = 4
"""Fewest columns of a matrix that is transposed tile by tile."""


class Kind(IntEnum):
    """The kinds of rows, in the order of `walk.c`."""

    LOOP = 0
    MATMUL = 1
    COMPARE = 2
    COPY = 4
    LARGEST = 5
    GEMM = 6
    GEMV = 8
    SYRK = 10
    DOT = 12
    AXPY = 14
    ADAM = 16
    DRAW = 18
    TAKE = 20
    PUT = 21
    ARGMAX = 22
    ONE_HOT = 24
    WHOLE = 26
    SHUFFLE = 28
    CLIP_NORM = 29
    ADAM_STEP = 31
    WINDOWS = 33
    WINDOW_GRADIENTS = 35
    WALK = 37
    TRANSPOSE = 38
    MULTIPLY = 39
    LARGEST_OF_FEW = 41
    SHARE = 43
    DENSITY = 44
    CHAIN = 45
    ADD = 46
    CLEAR_DENORMALS = 48
    SUBTRACT = 50
    DIVIDE = 52
    MAXIMUM = 54


@dataclass
class Row:
    """A row of the table, and the numbers that its last column points to."""

    kind: int
    function: int = 0
    data: int = 0
    operands: Sequence[int] = ()
    count: int = 0
    steps: Sequence[int] = ()
    more: Sequence[int] | None = None
    keeps: object = None
    """Other objects that must stay in memory."""

    def columns(self, more: int) -> list[int]:
        """Return the columns; `more` is the address of the numbers in `more`, or 0."""
        operands, steps = ([*x, 0, 0, 0][:3] for x in (self.operands, self.steps))
        return [self.kind, self.function, self.data, *operands, self.count, *steps, more]


def row_of(call: Call) -> Row | None:
    """Return the row of a call; None if only Python can call it."""
    function, arguments = call
    if isinstance(function, partial):
        if not isinstance(function.func, np.ufunc) or set(function.keywords) != {"out"}:
            return None
        arguments = (*function.args, *arguments, function.keywords["out"])
        function = function.func
    if isinstance(function, np.ufunc):
        return _of_ufunc(function, arguments)
    rule = RULES.get(_name(function))
    return None if rule is None else rule(getattr(function, "__self__", None), *arguments)


def _name(function: Callable[..., object]) -> str:
    if isinstance(function, BuiltinMethodType | MethodType | MethodWrapperType):
        owner = type(function.__self__)
        return f"{owner.__name__}.{function.__name__}"
    return getattr(function, "__name__", "")


def _of_kind(kind: Kind, array: Array) -> int:
    """Return the kind for float32, or the next one, for float64."""
    return kind + (array.itemsize == 8)


# ---------------------------------------------------------------- functions of elements


def _of_ufunc(function: np.ufunc, arguments: Sequence[object]) -> Row | None:
    arrays = [x for x in arguments if isinstance(x, np.ndarray)]
    if len(arrays) != len(arguments) or len(arrays) != function.nargs > 3 or function.nout != 1:
        return None
    *inputs, out = arrays
    if not _are_apart(inputs, out):
        return None
    types = "".join(x.dtype.char for x in arrays)
    if function is np.matmul:
        return _of_matmul(arrays, types)
    if function.signature is not None:
        return None
    loop, kind = inner_loop(function, types), int(Kind.LOOP)
    if loop is None and out.dtype.char in "fd":
        loop, kind = inner_loop(function, types[:-1] + "?"), _of_kind(Kind.COMPARE, out)
    if loop is None:
        return None
    row = _along_axes(kind, arrays, *loop)
    short = _SHORT.get(function)
    if row is not None and row.more is not None and short is not None and out.dtype.char in "fd":
        *steps, step = row.steps
        are_neighbors = step == out.itemsize and sorted({*steps, step}) in ([step], [0, step])
        is_short = row.count <= (MOST_NEIGHBORS if are_neighbors else MOST_SHORT)
        if is_short and (function is not np.maximum or maximum_is_known()):
            row.kind = _of_kind(short, out)
    return row


_SHORT: dict[np.ufunc, Kind] = {
    np.add: Kind.ADD,
    np.subtract: Kind.SUBTRACT,
    np.multiply: Kind.MULTIPLY,
    np.divide: Kind.DIVIDE,
    np.maximum: Kind.MAXIMUM,
}
"""Functions for which the walk has its own loop."""


def _are_apart(inputs: Sequence[Array], out: Array) -> bool:
    """Return whether each input is the output or shares no element with it, as NumPy decides it."""
    for x in inputs:
        if x is out or not np.may_share_memory(x, out, max_work=1):  # type: ignore[arg-type]
            continue
        is_alike = (x.strides == out.strides and x.shape == out.shape) or x.size == out.size == 1
        if not is_alike or address(x) != address(out):
            return False
    return True


def _along_axes(kind: int, arrays: Sequence[Array], function: int = 0, data: int = 0) -> Row | None:
    """Return a row along as few axes as the arrays, broadcast to the last, can be merged into."""
    axes = _merged_axes(arrays, arrays[-1].shape)
    if axes is None:
        return None
    *outer, (count, *steps) = axes
    return Row(kind, function, data, [address(x) for x in arrays], count, steps, _outer(outer))


def _outer(axes: Sequence[Sequence[int]]) -> list[int] | None:
    if not axes:
        return None
    return [len(axes), *(number for axis in axes for number in [*axis, 0, 0][:4])]


def _merged_axes(arrays: Sequence[Array], shape: Shape) -> list[list[int]] | None:
    """Return the axes of arrays that broadcast to `shape`: length, and step in each array.

    The outermost is first. Neighbors that every array goes through in even steps are one axis.
    None if an array has no elements or a shape that does not broadcast.
    """
    if 0 in shape:
        return None
    whole = []
    for x in arrays:
        if x.ndim == 0:
            whole.append(0)
        elif x.shape == shape and x.flags.c_contiguous:
            whole.append(x.itemsize)
        elif x.ndim > len(shape):
            return None
    if len(whole) == len(arrays) and shape:
        return [[math.prod(shape), *whole]]
    axes = []
    for i, length in enumerate(shape):
        if length == 1:
            continue
        steps = []
        for x in arrays:
            k = i - len(shape) + x.ndim
            is_repeated = k < 0 or x.shape[k] == 1
            if not is_repeated and x.shape[k] != length:
                return None
            steps.append(0 if is_repeated else x.strides[k])
        axes.append([length, *steps])
    if not axes:
        return [[1, *(x.itemsize for x in arrays)]]
    axes.sort(key=lambda axis: -abs(axis[-1]))
    merged = axes[:1]
    for axis in axes[1:]:
        before = merged[-1]
        if all(b == axis[0] * a for b, a in zip(before[1:], axis[1:], strict=True)):
            merged[-1] = [before[0] * axis[0], *axis[1:]]
        else:
            merged.append(axis)
    return merged


def _copy(_: object, out: Array, source: Array) -> Row | None:
    if not isinstance(source, np.ndarray) or source.dtype != out.dtype:
        return None
    if not _are_apart([source], out):
        return None
    axes, width = _merged_axes([source, out], out.shape), out.itemsize
    if axes is not None and width in (4, 8) and axes[-1][2] == width != axes[-1][1]:
        for axis in axes[:-1]:
            if axis[1] == width and axis[0] >= FEWEST_COLUMNS:
                outer = [other for other in axes[:-1] if other is not axis]
                count, source_step, _ = axes[-1]
                steps = [source_step, axis[2], axis[0]]
                operands = [address(source), address(out)]
                return Row(Kind.TRANSPOSE, 0, width, operands, count, steps, _outer(outer))
    return _along_axes(Kind.COPY, [source, out], 0, width)


def _fill(out: Array, value: float) -> Row | None:
    number = np.array(value, out.dtype)
    row = _along_axes(Kind.COPY, [number, out], 0, out.itemsize)
    if row is not None:
        row.keeps = number
    return row


def _largest(
    function: object, x: Array, axis: object, dtype: object, out: Array, *_: object
) -> Row | None:
    """`np.maximum.reduce` along the last axis."""
    is_last = axis in (-1, (x.ndim - 1,), x.ndim - 1)
    if function is not np.maximum or not is_last or x.size == 0:
        return None
    loop = inner_loop(np.maximum, x.dtype.char * 3)
    if loop is None or x.dtype != out.dtype or not min(x.strides) == x.strides[-1] == x.itemsize:
        return None
    if not (out.flags.c_contiguous and _are_disjoint([x], out)):
        return None
    count, width = x.shape[-1], x.itemsize
    axes = _merged_axes([x[..., 0], out.reshape(x.shape[:-1])], x.shape[:-1])
    outer = _outer(axes or [])
    operands, steps = [address(x), address(out)], [width, width]
    is_short = count <= MOST_SHORT and x.dtype.char in "fd"
    if is_short and largest_of_few_is_known(x.dtype.char, count):
        kind = _of_kind(Kind.LARGEST_OF_FEW, x)
        return Row(kind, 0, 0, operands, count, steps, outer)
    return Row(Kind.LARGEST, *loop, operands, count, steps, outer)


# ---------------------------------------------------------------- products


def _of_matmul(arrays: Sequence[Array], types: str) -> Row | None:
    """NumPy's loop for products of matrices, which chooses a routine by itself."""
    a, b, out = arrays
    loop = inner_loop(np.matmul, types)
    if loop is None or min(x.ndim for x in arrays) < 2 or not _are_disjoint([a, b], out):
        return None
    outer = _merged_axes([x[..., 0, 0] for x in arrays], out.shape[:-2])
    if outer is None:
        return None
    *outer, (count, *steps) = outer
    lengths = [a.shape[-2], a.shape[-1], b.shape[-1]]
    core = [stride for x in arrays for stride in x.strides[-2:]]
    more = [*lengths, *core, *(_outer(outer) or [0])]
    return Row(Kind.MATMUL, *loop, [address(x) for x in arrays], count, steps, more)


def _are_disjoint(inputs: Sequence[Array], out: Array) -> bool:
    return not any(np.may_share_memory(x, out) for x in inputs)


ROW_MAJOR, COLUMN_MAJOR, AS_IT_IS, TRANSPOSED = 101, 102, 111, 112


def _dot(a: Array, b: Array, out: Array) -> Row | None:
    """`a.dot(b, out)`, by the routine that NumPy chooses: see its `cblasfuncs.c`."""
    arrays = (a, b, out)
    if not all(isinstance(x, np.ndarray) and x.dtype == out.dtype for x in arrays):
        return None
    if out.dtype.char not in "fd" or not out.flags.c_contiguous or not _are_disjoint([a, b], out):
        return None
    if not all(1 <= x.ndim <= 2 and x.size > 0 and _has_plain_strides(x) for x in (a, b)):
        return None
    shapes = _kind_of_shape(a), _kind_of_shape(b)
    if "scalar" in shapes:
        return _scaled(a, b, out, shapes)
    if shapes[1] == "column" and shapes[0] != "matrix":
        steps = [a.strides[int(shapes[0] == "row")], b.strides[0]]
        return _blas(Kind.DOT, "dot", [a, b, out], count=a.shape[-1], steps=steps)
    if shapes[0] == "matrix" and shapes[1] != "matrix":
        return _matrix_by_vector(a, b, b.strides[0], out, AS_IT_IS)
    if shapes[1] == "matrix" and shapes[0] != "matrix":
        return _matrix_by_vector(b, a, a.strides[int(shapes[0] == "row")], out, TRANSPOSED)
    return _matrices(a, b, out)


def _has_plain_strides(x: Array) -> bool:
    """Return whether NumPy gives the array to BLAS without a copy."""
    return address(x) % x.itemsize == 0 and all(
        stride >= 0 and stride % x.itemsize == 0 and not (stride == 0 and length > 1)
        for stride, length in zip(x.strides, x.shape, strict=True)
    )


def _kind_of_shape(x: Array) -> str:
    if x.ndim == 1:
        return "column" if len(x) > 1 else "scalar"
    rows, columns = x.shape
    if rows > 1:
        return "column" if columns == 1 else "matrix"
    return "scalar" if columns == 1 else "row"


def _blas(
    kind: Kind,
    name: str,
    arrays: Sequence[Array],
    *,
    count: int = 0,
    steps: Sequence[int] = (),
    more: Sequence[int] | None = None,
) -> Row | None:
    """Return a row for a routine of BLAS; `steps` are in bytes."""
    out = arrays[-1]
    function = routine(name, out.dtype)
    if function is None:
        return None
    in_elements = [step // out.itemsize for step in steps]
    operands = [address(x) for x in arrays]
    return Row(_of_kind(kind, out), function, out.nbytes, operands, count, in_elements, more)


def _scaled(a: Array, b: Array, out: Array, shapes: tuple[str, str]) -> Row | None:
    """A vector times a number."""
    vector, number, shape = (b, a, shapes[1]) if shapes[0] == "scalar" else (a, b, shapes[0])
    step = vector.strides[1 if shape == "row" else 0]
    return _blas(Kind.AXPY, "axpy", [vector, number, out], count=out.size, steps=[step])


def _matrix_by_vector(
    matrix: Array, vector: Array, step: int, out: Array, transposed: int
) -> Row | None:
    if matrix.flags.c_contiguous:
        order, leading = ROW_MAJOR, matrix.shape[1]
    elif matrix.flags.f_contiguous:
        order, leading = COLUMN_MAJOR, matrix.shape[0]
    else:
        return None
    more = [order, transposed, *matrix.shape, leading, step // out.itemsize]
    return _blas(Kind.GEMV, "gemv", [matrix, vector, out], more=more)


def _matrices(a: Array, b: Array, out: Array) -> Row | None:
    if not all(x.flags.c_contiguous or x.flags.f_contiguous for x in (a, b)):
        return None
    (m, k), n = a.shape, b.shape[1]
    how_a, how_b = (TRANSPOSED if x.flags.f_contiguous else AS_IT_IS for x in (a, b))
    leading_a, leading_b = (x.shape[0 if x.flags.f_contiguous else 1] for x in (a, b))
    is_square = (
        address(a) == address(b) and a.shape == b.shape[::-1] and a.strides == b.strides[::-1]
    )
    if is_square and how_a != how_b:
        matrix, leading = (a, leading_a) if how_a == AS_IT_IS else (b, leading_b)
        return _blas(Kind.SYRK, "syrk", [matrix, matrix, out], more=[how_a, n, k, leading, n])
    more = [how_a, how_b, m, n, k, leading_a, leading_b, n]
    return _blas(Kind.GEMM, "gemm", [a, b, out], more=more)


# ---------------------------------------------------------------- what Python functions do


def _adam(adam: Adam, clock: Array, rate: Array, scaled_rate: Array, scaled_epsilon: Array) -> Row:
    numbers = np.array([adam.beta_1, adam.beta_2, adam.epsilon])
    return Row(
        _of_kind(Kind.ADAM, rate),
        data=address(numbers),
        operands=[address(clock), address(rate), address(scaled_rate)],
        more=[address(scaled_epsilon)],
        keeps=numbers,
    )


def _clear_denormals(_: object, clock: Array, moment: Array) -> Row | None:
    if not moment.flags.c_contiguous:
        return None
    operands = [address(clock), address(moment)]
    return Row(_of_kind(Kind.CLEAR_DENORMALS, moment), 0, 0, operands, moment.size)


def _draw(rng: np.random.Generator, size: object, dtype: np.dtype[Any], out: Array) -> Row | None:
    if not out.flags.c_contiguous:
        return None
    interface = rng.bit_generator.ctypes
    generator = ctypes.cast(interface.bit_generator, ctypes.c_void_p).value or 0
    return Row(
        _of_kind(Kind.DRAW, out), 0, generator, [address(out)], out.size, keeps=(rng, interface)
    )


def _shuffle(rng: np.random.Generator, order: Array) -> Row | None:
    if order.ndim != 1 or not _are_indices(order) or not shuffle_is_known():
        return None
    if len(order) > 2**31:
        return None
    row = _draw(rng, None, order.dtype, order)
    return None if row is None else replace(row, kind=Kind.SHUFFLE)


def _take(table: Array, indices: Array, axis: int | None, out: Array, mode: str) -> Row | None:
    if axis not in (None, 0) or mode != "clip":
        return None
    if axis is None:
        table = table.reshape(-1, copy=False)
    return _of_rows(Kind.TAKE, table[None], indices.reshape(1, -1), out[None])


def _gather(_: object, tables: Array, indices: Array, out: Array) -> Row | None:
    """`take_rows` from each of the tables, or from one."""
    if tables.dtype == out.dtype:
        return _of_rows(Kind.TAKE, tables, indices, out)
    return _one_hot(tables, indices, out)


def _scatter(_: object, out: Array, indices: Array, rows: Array) -> Row | None:
    return _of_rows(Kind.PUT, out, indices, rows)


def _of_rows(kind: Kind, tables: Array, indices: Array, rows: Array) -> Row | None:
    """Copy between rows of tables `(tables, n, …)` at indices `(tables, k)` and `(tables, k, …)`.

    All may share one table or one index array.
    """
    if indices.ndim != 2 or rows.shape[1:] != (indices.shape[1], *tables.shape[2:]):
        return None
    if tables.dtype != rows.dtype or 0 in rows.shape or 0 in tables.shape:
        return None
    return _of_tables(kind, tables, indices, rows, tables.shape[1], [rows[0, 0].nbytes])


def _one_hot(labels: Array, indices: Array, out: Array) -> Row | None:
    """A row of zeros, with 1 at the label, for each label `(tables, n, …)` at the indices."""
    if labels.dtype != np.int32 or out.dtype.char not in "fd":
        return None
    if indices.ndim != 2 or out.shape[1:-1] != (indices.shape[1], *labels.shape[2:]):
        return None
    if 0 in out.shape:
        return None
    steps = [labels[0, 0].size, out.shape[-1]]
    return _of_tables(_of_kind(Kind.ONE_HOT, out), labels, indices, out, labels.itemsize, steps)


def _of_tables(
    kind: int, tables: Array, indices: Array, rows: Array, data: int, steps: Sequence[int]
) -> Row | None:
    arrays = [tables, indices, rows]
    if not (_are_indices(indices[0]) and all(x[0].flags.c_contiguous for x in arrays)):
        return None
    changed = tables if kind == Kind.PUT else rows
    if not _are_disjoint([x for x in arrays if x is not changed], changed):
        return None
    count, outer = indices.shape[1], len(tables if kind == Kind.PUT else rows)
    if any(len(x) not in (1, outer) for x in arrays):
        return None
    axis = [outer, *(0 if len(x) == 1 else x.strides[0] for x in arrays)]
    more = None if outer == 1 else _outer([axis])
    return Row(kind, 0, data, [address(x) for x in arrays], count, steps, more)


def _are_indices(x: Array) -> bool:
    return x.dtype == np.int64 and x.flags.c_contiguous


def _write_whole(_: object, whole: Array, indices: Array, rows: int) -> Row | None:
    if not (_are_indices(whole) and indices.flags.c_contiguous and indices.dtype.char in "fd"):
        return None
    operands = [address(indices), address(whole)]
    return Row(_of_kind(Kind.WHOLE, indices), 0, rows, operands, whole.size)


def _mark(_: object, whole: Array, hits: Array) -> Row | None:
    if not (_are_indices(whole) and hits.flags.c_contiguous and hits.dtype.char in "fd"):
        return None
    operands = [address(whole), 0, address(hits)]
    steps = [1, hits.shape[1]]
    return Row(_of_kind(Kind.ONE_HOT, hits), 0, 8, operands, len(whole), steps)


def _clip_norm(_: object, gradient: Array, limit: float, wide: Array) -> Row | None:
    function = routine("dot", wide.dtype)
    if function is None or not (gradient.ndim == 1 and gradient.flags.c_contiguous):
        return None
    number = np.array(limit)
    operands = [address(gradient), address(wide), address(number)]
    kind = _of_kind(Kind.CLIP_NORM, gradient)
    return Row(kind, function, 0, operands, gradient.size, keeps=number)


def _argmax(x: Array, axis: int, out: Array) -> Row | None:
    if x.ndim != 2 or axis != 1 or not x.flags.c_contiguous or x.dtype.char not in "fd":
        return None
    if out.dtype != np.int64 or not out.flags.c_contiguous:
        return None
    return Row(_of_kind(Kind.ARGMAX, x), 0, 0, [address(x), address(out)], len(x), [x.shape[1]])


def _share(_: object, x: Array, out: Array, calls: Sequence[Call]) -> Row | None:
    return _of_normal(Kind.SHARE, np.tanh, SHARE_NUMBERS, x, out)


def _density(_: object, x: Array, out: Array, calls: Sequence[Call]) -> Row | None:
    return _of_normal(Kind.DENSITY, np.exp, DENSITY_NUMBERS, x, out)


def _of_normal(
    kind: Kind, function: np.ufunc, numbers: Sequence[float], x: Array, out: Array
) -> Row | None:
    loop = inner_loop(function, "ff")
    if loop is None or not all(a.dtype == np.float32 and a.flags.c_contiguous for a in (x, out)):
        return None
    if not _are_disjoint([x], out):
        return None
    factors = np.array(numbers, np.float32)
    operands = [address(x), address(out), address(factors)]
    return Row(kind, *loop, operands, out.size, [4, 4, 0], keeps=factors)


def _windows(_: object, x: Array, out: Array, size: Pair, stride: Pair) -> Row | None:
    if not _are_known(x, out):
        return None
    more = _fields_of_windows(x, out, size, stride)
    return Row(_of_kind(Kind.WINDOWS, x), operands=[address(x), address(out)], more=more)


def _window_gradients(
    _: object, x: Array, g: Array, out: Array, size: Pair, stride: Pair
) -> Row | None:
    if not _are_known(x, g, out):
        return None
    more = _fields_of_windows(x, g, size, stride)
    cleared = out.nbytes if g.size * math.prod(size) < out.size else 0
    operands = [address(x), address(g), address(out)]
    return Row(_of_kind(Kind.WINDOW_GRADIENTS, x), 0, cleared, operands, more=more)


def _are_known(*arrays: Array) -> bool:
    """Return whether C finds the largest of these arrays' numbers as NumPy does."""
    return (
        maximum_is_known()
        and all(x.dtype == arrays[0].dtype and x.flags.c_contiguous for x in arrays)
        and arrays[0].dtype.char in "fd"
        and all(x.size > 0 for x in arrays)
    )


def _fields_of_windows(x: Array, windows: Array, size: Pair, stride: Pair) -> list[int]:
    """Return the fields of `fused.c` for an image `(…, height, channels, width, n)`."""
    *images, height, channels, width, n = x.shape
    *_, rows, _, columns, _ = windows.shape
    fields = [math.prod(images), height, width, channels, n, rows, columns]
    return [*fields, *size, *stride]


RULES: dict[str, Callable[..., Row | None]] = {
    "ndarray.dot": _dot,
    "ndarray.fill": _fill,
    "ndarray.take": _take,
    "ndarray.argmax": _argmax,
    "copyto": _copy,
    "ufunc.reduce": _largest,
    "Generator.random": _draw,
    "Generator.shuffle": _shuffle,
    "gather": _gather,
    "scatter": _scatter,
    "_write_whole": _write_whole,
    "_mark": _mark,
    "_clip_norm": _clip_norm,
    "_fill_share": _share,
    "_fill_density": _density,
    "_fill_largest": _windows,
    "_fill_gradients": _window_gradients,
    "clear_denormals": _clear_denormals,
    "Adam._correct": _adam,
}
"""The row of a call of a function that is not elementwise, by the function's name."""
