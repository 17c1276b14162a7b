"""Gradient snapshots of a whole run, in a limited number that preserves the extremes.

The log has the gradient norm of every epoch beside the other metrics. It selects the snapshots, so
that only their segments are read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from epochal_engine import Gradients

from ..store import Connection
from ..store import log as job_log
from . import outlines
from .buckets import bucket_width, closed_epoch, downsample
from .epochs import unpack_gradients

_NONE = np.zeros(0, np.int64), np.zeros(0)


@dataclass(frozen=True)
class Selection:
    """Some of the snapshots of a run, selected in buckets of `width` epochs."""

    gradients: Gradients | None
    """The snapshots; None without any."""
    width: int
    closed_epoch: int


def downsample_gradients(
    connection: Connection, job_id: str, after: int, every: int, points: int
) -> Selection:
    """Select at most about `points` snapshots of the run, and return those after the epoch `after`.

    The job has a snapshot every `every` epochs; 0 if it has none.
    """
    if every == 0:
        return Selection(None, 1, 0)
    count = job_log.last_epoch(connection, job_id) // every
    width = 1 if count <= points else bucket_width(count * every, points)
    # Those epochs of a bucket that have a snapshot are not among its extremes, unless all have one.
    read_width = width if every == 1 else 1
    start = after // width * width
    norms = outlines.read(connection, job_id, start, count * every, read_width, ("gradient_norm",))
    epochs, values = norms.get("gradient_norm", _NONE)
    has_snapshot = epochs % every == 0
    epochs, values = epochs[has_snapshot], values[has_snapshot]
    chosen = epochs[downsample(epochs, values, width, after)]
    blobs = _segments(connection, job_id, chosen)
    return Selection(unpack_gradients(blobs, chosen), width, closed_epoch(count * every, width))


def _segments(connection: Connection, job_id: str, epochs: NDArray[np.int64]) -> Iterator[bytes]:
    """Yield the packed snapshots of each segment that has some of the sorted epochs."""
    read_up_to = 0
    for epoch in epochs.tolist():
        if epoch > read_up_to:
            for _, last, blob in job_log.gradients(connection, job_id, epoch - 1, epoch):
                read_up_to = last
                yield blob
