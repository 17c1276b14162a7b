"""All numbers of a run are one flat vector, so that one copy of it records an epoch completely.

    parameters | moments | gradient | step | scores | validation scores

Several epochs are trained one after the other into a reel of such records. Losses, accuracies and
gradient statistics are then worked out from the reel for all of them together, which costs a small
network far less than doing so every time; and the state after each epoch is at hand.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise

import numpy as np
from numpy.typing import DTypeLike

from .trace import Array, Shape


class Moment:
    """The numbers of a run as they are now: named arrays that share one flat vector."""

    def __init__(self, shapes: Mapping[str, Shape], dtype: DTypeLike) -> None:
        self._shapes = dict(shapes)
        bounds = np.cumsum([0, *(math.prod(shape) for shape in shapes.values())])
        self._parts = [slice(start, end) for start, end in pairwise(bounds)]
        self.vector = np.zeros(bounds[-1], dtype)
        self.arrays = self.named(self.vector)

    def named(self, vectors: Array) -> dict[str, Array]:
        """Views of vectors like this one, `(..., size)`, by name: each `(..., *shape)`."""
        return {
            name: vectors[..., part].reshape(*vectors.shape[:-1], *shape)
            for (name, shape), part in zip(self._shapes.items(), self._parts, strict=True)
        }


class Reel:
    """Records of moments: slot 0 is the state before the epochs in work, slot k after the k-th."""

    def __init__(self, moment: Moment, length: int) -> None:
        slots = np.zeros((length + 1, moment.vector.size), moment.vector.dtype)
        self.slots: list[Array] = list(slots)
        self.arrays = moment.named(slots)
        """The records by name, each `(length + 1, *shape)`."""
