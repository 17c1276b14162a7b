"""Downsample the values of many epochs and preserve their extremes and non-finite values.

A bucket has a power of two of epochs and ends at a multiple of it, however long the run is:

    epochs   1 2 3 4 | 5 6 7 8 | 9 10          width 4: the third bucket is still open

Each bucket keeps its lowest, its highest and its first non-finite value (M4 of Jugel et al. 2014,
without the two points that it keeps for line joins). So the points of a complete bucket stay
unchanged while the run grows, until the width doubles. The extremes of a bucket are also extremes
of the narrower buckets in it, so that a downsampled curve can be downsampled further.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def bucket_width(count: int, points: int) -> int:
    """Return the width at which `count` epochs have at most `points` finite points."""
    if count <= points:
        return 1
    buckets = max(1, (points - 2) // 2)  # two ends, and two extremes of each bucket
    return 1 << (-(-count // buckets) - 1).bit_length()


def closed_epoch(last: int, width: int) -> int:
    """Return the last epoch before the bucket of the epoch `last`; 0 if there is none."""
    return (last - 1) // width * width if last else 0


class Buckets:
    """The buckets of sorted epochs `(n,)`, n > 0. Epochs 1 to `width` are the first one."""

    def __init__(self, epochs: NDArray[np.int64], width: int) -> None:
        of_epoch = (epochs - 1) // width
        self._starts = np.flatnonzero(np.diff(of_epoch, prepend=-1))
        self._sizes = np.diff(self._starts, append=len(epochs))
        self._numbers = np.repeat(np.arange(len(self._starts)), self._sizes)

    def extremes(self, values: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return which of the values `(n,)` remain."""
        remain = np.zeros(len(values), bool)
        finite = np.isfinite(values)
        if finite.all():
            remain[self._first(values, np.minimum)] = True
            remain[self._first(values, np.maximum)] = True
            return remain
        remain[self._first(np.where(finite, values, np.inf), np.minimum)] = True
        remain[self._first(np.where(finite, values, -np.inf), np.maximum)] = True
        # A bucket may have no finite value, and most have no other one.
        remain &= finite
        other = self._first(finite, np.logical_and)
        remain[other[~finite[other]]] = True
        return remain

    def _first(self, values: NDArray[Any], extreme: np.ufunc) -> NDArray[np.intp]:
        """Return the index of the first extreme value in each bucket."""
        best = extreme.reduceat(values, self._starts)
        hits = np.flatnonzero(values == best[self._numbers])
        return hits[np.diff(self._numbers[hits], prepend=-1) > 0]


def downsample(
    epochs: NDArray[np.int64], values: NDArray[np.float64], width: int, after: int = 0
) -> NDArray[np.intp]:
    """Return sorted indices of the values `(n,)` at sorted epochs `(n,)` that remain: the first and
    the last one, and the points of each bucket.

    Those after the epoch `after` are returned; the epochs begin with a bucket that `after` divides.
    """
    if not len(epochs):
        return np.zeros(0, np.intp)
    remain = epochs > after
    if width > 1:
        extremes = Buckets(epochs, width).extremes(values)
        extremes[-1] = True
        extremes[0] |= after == 0
        remain &= extremes
    return np.flatnonzero(remain)
