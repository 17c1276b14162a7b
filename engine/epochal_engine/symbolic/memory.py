"""Memory that begins at a cache line, so that no vector of a loop lies across two of them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import DTypeLike

from .trace import Array, Shape

LINE = 64
"""Bytes of a cache line, and of the widest vectors of processors."""


def zeros(shape: Shape, dtype: DTypeLike) -> Array:
    """Return zeros of a shape, of which the first is at the beginning of a cache line."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    room = np.zeros(size + LINE, np.uint8)
    start = -room.ctypes.data % LINE
    return room[start : start + size].view(dtype).reshape(shape)
