"""The libraries that the walk in C calls: its own shared library, the inner loops of NumPy, and
NumPy's BLAS."""

from __future__ import annotations

import ctypes
import sys
import zlib
from functools import cache
from pathlib import Path

import numpy as np

from ..symbolic.threads import blas
from ..symbolic.trace import Array

SUFFIX = {"win32": ".dll", "darwin": ".dylib"}.get(sys.platform, ".so")
SOURCES = tuple(
    Path(__file__).with_name(name) for name in ("walk.c", "record.c", "fused.c", "portable.h")
)
LIBRARY = SOURCES[0].with_suffix(SUFFIX)
"""The library that they are compiled to when the package is installed."""


class _Ufunc(ctypes.Structure):
    """The beginning of NumPy's public `PyUFuncObject`, see `numpy/ufuncobject.h`."""

    _fields_ = (
        ("reference_count", ctypes.c_ssize_t),
        ("type", ctypes.c_void_p),
        ("nin", ctypes.c_int),
        ("nout", ctypes.c_int),
        ("nargs", ctypes.c_int),
        ("identity", ctypes.c_int),
        ("functions", ctypes.POINTER(ctypes.c_void_p)),
        ("data", ctypes.POINTER(ctypes.c_void_p)),
        ("ntypes", ctypes.c_int),
        ("reserved", ctypes.c_int),
        ("name", ctypes.c_char_p),
        ("types", ctypes.POINTER(ctypes.c_char)),
    )


@cache
def library() -> ctypes.CDLL | str:
    """Return the compiled walk, or the reason why there is none."""
    if sys.implementation.name != "cpython":
        return f"{sys.implementation.name} has other objects than CPython"
    if not LIBRARY.exists():
        return f"{LIBRARY.name} was not built"
    try:
        walk = ctypes.CDLL(str(LIBRARY))
    except OSError as error:
        return str(error)
    walk.epochal_source.restype = ctypes.c_uint32
    if walk.epochal_source() != zlib.crc32(b"".join(file.read_bytes() for file in SOURCES)):
        return f"{LIBRARY.name} was built from other versions of its sources"
    numbers = np.zeros(2)
    if not _layout_is_known(np.multiply) or address(numbers[1:]) != numbers[1:].ctypes.data:
        return f"the objects of NumPy {np.__version__} have another layout"
    return walk


_pointer_at = ctypes.c_void_p.from_address
_FIRST_FIELD = object.__basicsize__
"""Where the first field of an object lies, behind what all objects have."""


def address(array: Array) -> int:
    """Return the address of the first element.

    It is the first field of NumPy's public `PyArrayObject`. Asking the array takes ten times as
    long.
    """
    return _pointer_at(id(array) + _FIRST_FIELD).value or 0


def _layout_is_known(function: np.ufunc) -> bool:
    """Return whether the fields of a function in memory equal the fields that Python shows."""
    fields = _Ufunc.from_address(id(function))
    counts = (fields.nin, fields.nout, fields.nargs, fields.ntypes)
    shown = (function.nin, function.nout, function.nargs, function.ntypes)
    if counts != shown or fields.name != function.__name__.encode():
        return False
    numbers = [np.dtype(c).num for c in _operands(function, 0)]
    return [ord(fields.types[k]) for k in range(fields.nargs)] == numbers


def _operands(function: np.ufunc, number: int) -> str:
    return function.types[number].replace("->", "")


@cache
def inner_loop(function: np.ufunc, types: str) -> tuple[int, int] | None:
    """Return the addresses of the loop for operands of these types, such as `fff`, and its data."""
    fields = _Ufunc.from_address(id(function))
    for number in range(function.ntypes):
        if _operands(function, number) == types:
            return fields.functions[number] or 0, fields.data[number] or 0
    return None


@cache
def shuffle_is_known() -> bool:
    """Return whether NumPy shuffles as the walk does; another version may draw other numbers."""
    walk = library()
    orders, states = [], []
    for is_walk in (False, True):
        rng, order = np.random.default_rng(0), np.arange(1_000)
        if is_walk and not isinstance(walk, str):
            interface = rng.bit_generator.ctypes
            array = ctypes.c_void_p(order.ctypes.data)
            walk.epochal_shuffle(interface.bit_generator, array, ctypes.c_ssize_t(len(order)))
        else:
            rng.shuffle(order)
        orders.append(order.tolist())
        states.append(rng.bit_generator.state)
    return orders[0] == orders[1] and states[0] == states[1]


_UNUSUAL = (0.0, -0.0, np.nan, -np.nan, np.inf, -np.inf, 1.0)
_NAMES = {"f": "float", "d": "double"}


@cache
def maximum_is_known() -> bool:
    """Return whether NumPy's maximum of zeros of both signs and of NaN equals the walk's."""
    walk = library()
    if isinstance(walk, str):
        return False
    for char, name in _NAMES.items():
        numbers = np.array(_UNUSUAL, char)
        pairs = np.stack(np.broadcast_arrays(numbers[:, None], numbers)).reshape(2, -1)
        walk_gives, one_image = np.empty_like(pairs[0]), [1, 2, 1, 1, pairs.shape[1]]
        fields = np.array([*one_image, *(1, 1), *(2, 1), *(2, 1)], np.intp)
        arrays = (ctypes.c_void_p(address(x)) for x in (fields, pairs, walk_gives))
        walk[f"epochal_largest_{name}"](*arrays)
        if np.maximum(*pairs).tobytes() != walk_gives.tobytes():
            return False
    return True


@cache
def largest_of_few_is_known(char: str, count: int) -> bool:
    """Return whether NumPy's largest of N numbers equals the walk's.

    The walk compares one after the other. If zeros of both signs are the largest, or several NaN,
    the result depends on the order.
    """
    walk, rng = library(), np.random.default_rng(0)
    if isinstance(walk, str):
        return False
    kinds = (np.array(numbers, char) for numbers in (_UNUSUAL, (0.0, -0.0, -1.0)))
    rows = np.concatenate([rng.choice(numbers, (256, count)) for numbers in kinds])
    walk_gives = np.empty_like(rows[:, 0])
    size, pointer = ctypes.c_ssize_t, ctypes.c_void_p
    walk[f"epochal_largest_of_few_{_NAMES[char]}"](
        *(size(len(rows)), size(count)),
        *(pointer(address(rows)), size(rows.strides[0])),
        *(pointer(address(walk_gives)), size(rows.itemsize)),
    )
    return bool(np.maximum.reduce(rows, axis=-1).tobytes() == walk_gives.tobytes())


@cache
def routine(name: str, dtype: np.dtype[np.generic]) -> int | None:
    """Return the address of a CBLAS routine, such as `gemm`; None if NumPy has another BLAS.

    Only the BLAS of NumPy's wheels with 64-bit integers is known.
    """
    library = blas()
    function = getattr(library, f"scipy_cblas_{'s' if dtype.itemsize == 4 else 'd'}{name}64_", None)
    return None if function is None else ctypes.cast(function, ctypes.c_void_p).value
