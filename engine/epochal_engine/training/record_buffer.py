"""All numbers of a run are one flat vector, so that one copy of it records an epoch completely.

    parameters | moments | gradient | step | logits | validation logits

Several epochs are trained one after the other into a buffer of such records, so that the state
after each epoch is available. Losses, accuracies and gradient statistics are computed in C after
each epoch, while its numbers are in the cache: the buffer then has parameters and moments only.
Where Python computes them, it does so from the buffer for all epochs at once, which costs a small
network far less than doing so in every epoch.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import islice, pairwise

import numpy as np
from numpy.typing import DTypeLike

from ..symbolic.memory import zeros
from ..symbolic.trace import Array, Shape


class Record:
    """The current numbers of a run: named arrays that share one flat vector."""

    def __init__(
        self, shapes: Mapping[str, Shape], dtype: DTypeLike, vector: Array | None = None
    ) -> None:
        self._shapes = dict(shapes)
        bounds = np.cumsum([0, *(math.prod(shape) for shape in shapes.values())])
        self._parts = [slice(start, end) for start, end in pairwise(bounds)]
        if vector is None:
            vector = zeros((int(bounds[-1]),), dtype)
        self.vector = vector[: bounds[-1]]
        self.arrays = self.named(self.vector)

    def beginning(self, count: int) -> Record:
        """Return the record of the first arrays, which shares their memory."""
        shapes = dict(islice(self._shapes.items(), count))
        return Record(shapes, self.vector.dtype, self.vector)

    def named(self, vectors: Array) -> dict[str, Array]:
        """Return views of vectors `(..., size)` like this one by name, each `(..., *shape)`."""
        return {
            name: vectors[..., part].reshape(*vectors.shape[:-1], *shape)
            for (name, shape), part in zip(self._shapes.items(), self._parts, strict=True)
        }


class RecordBuffer:
    """Copies of a record: slot 0 is the state before the current epochs, slot k after the k-th."""

    def __init__(self, moment: Record, length: int) -> None:
        self.slots: Array = np.empty((length + 1, moment.vector.size), moment.vector.dtype)
        self.arrays = moment.named(self.slots)
        """The records by name, each `(length + 1, *shape)`."""

    def restart(self, slot: int) -> None:
        """Move the record in a slot to slot 0. Two slots are exchanged without a copy."""
        if slot == 1 and len(self.slots) == 2:
            self.slots = self.slots[::-1]
            self.arrays = {name: records[::-1] for name, records in self.arrays.items()}
        else:
            np.copyto(self.slots[0], self.slots[slot])
