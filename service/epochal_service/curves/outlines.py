"""Downsampled metrics of a long run, so that its curve is read without its epochs.

    log          epochs 1 ................................................... 20,300
    width 32     | chunk of 2,048 epochs | chunk | ... 9 chunks          | incomplete
    width 256    | chunk of 16,384 epochs                  | incomplete

A chunk has the points of 64 buckets, see `buckets`. A curve with buckets of 512 epochs is read from
the chunks of width 256, the next epochs from the chunks of width 32, and the latest epochs from the
log. So are runs without chunks, which earlier versions stored.

The log of slow training has a row for each few epochs. Chunks of width 1 have 64 epochs of it. A
run has either all of them or none, so that what is between them need not be looked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..store import Connection, outlines
from ..store import log as job_log
from ..store.log import Entry
from ..store.packing import pack, unpack_some
from .buckets import downsample
from .epochs import METRICS, merge

WIDTHS = (1, 32, 256, 2048, 16_384, 131_072)
CHUNK_BUCKETS = 64
SLOW_EPOCHS = 16
"""A run is slow if no more epochs than these are stored at a time."""

# The epochs `(n,)` and the values `(n,)` of each metric.
Points = Mapping[str, tuple[NDArray[np.int64], NDArray[np.float64]]]


def append(connection: Connection, job_id: str, entries: Sequence[Entry]) -> None:
    """Store the chunks that the last entries of the job's log complete."""
    epochs = [entry for entry in entries if entry.summary is not None]
    if not epochs:
        return
    run = _Run(connection, job_id, METRICS, epochs)
    after, last = epochs[0].first_epoch - 1, epochs[-1].last_epoch
    for index, width in enumerate(WIDTHS):
        chunk = width * CHUNK_BUCKETS
        start, end = after // chunk * chunk, last // chunk * chunk
        if start == end:
            return
        if width > 1 or _is_slow(connection, job_id, start, last - after):
            points = _merged(run.pieces(start, end, WIDTHS[:index]))
            ends = np.arange(start + chunk, end + 1, chunk)
            outlines.append(connection, job_id, width, _chunks(points, width, start, ends))


def _is_slow(connection: Connection, job_id: str, start: int, stored: int) -> bool:
    """Return whether chunks of width 1 are stored, given the epochs that were stored together."""
    if start == 0:
        return stored <= SLOW_EPOCHS
    return bool(outlines.read(connection, job_id, 1, start - 1, start))


def read(
    connection: Connection,
    job_id: str,
    after: int,
    up_to: int,
    width: int,
    metrics: Sequence[str] = METRICS,
) -> Points:
    """Return points of the epochs after `after`, up to `up_to`, of those metrics that the job has.

    They include the points of all buckets of `width` epochs. `after` must be the end of a bucket.
    """
    widths = [finer for finer in WIDTHS if finer <= width]
    return _merged(_Run(connection, job_id, metrics).pieces(after, up_to, widths))


@dataclass(frozen=True)
class _Run:
    """The epochs of a job. `recent` are the last entries of its log, which need not be read."""

    connection: Connection
    job_id: str
    metrics: Sequence[str]
    recent: Sequence[Entry] = ()

    def pieces(self, after: int, up_to: int, widths: Sequence[int]) -> Iterator[Points]:
        """Yield the points of consecutive epochs, from the widest chunks that there are."""
        if not widths:
            yield self._of_log(after, up_to)
            return
        *finer, width = widths
        for end, blob in outlines.read(self.connection, self.job_id, width, after, up_to):
            start = end - width * CHUNK_BUCKETS
            if after < start:  # an earlier version stored none
                yield from self.pieces(after, start, finer)
            yield self._of_chunk(blob, after)
            after = end
        if after < up_to:
            yield from self.pieces(after, up_to, finer)

    def _of_chunk(self, blob: bytes, after: int) -> Points:
        points = {}
        for metric, (epochs, values) in unpack_some(blob, self.metrics.__contains__).items():
            first = int(np.searchsorted(epochs, after, side="right"))
            points[metric] = epochs[first:].astype(np.int64), values[first:]
        return points

    def _of_log(self, after: int, up_to: int) -> Points:
        run = merge(self._bodies(after, up_to), self.metrics)
        if run is None:
            return {}
        part = slice(*(max(0, epoch + 1 - run.first) for epoch in (after, up_to)))
        epochs = run.epochs[part]
        columns = run.columns.items()
        return {name: (epochs, column[part]) for name, column in columns if name in self.metrics}

    def _bodies(self, after: int, up_to: int) -> Iterator[tuple[int, bytes]]:
        stored = min(up_to, self.recent[0].first_epoch - 1) if self.recent else up_to
        if after < stored:
            for first, _, body in job_log.bodies(self.connection, self.job_id, after, stored):
                yield first, body
        for entry in self.recent:
            if entry.last_epoch > after and entry.first_epoch <= up_to and entry.body is not None:
                yield entry.first_epoch, entry.body


def _chunks(
    points: Points, width: int, start: int, ends: NDArray[np.int64]
) -> Iterator[tuple[int, bytes]]:
    """Yield the last epoch and the packed points of the chunks that end at `ends`."""
    parts = {}
    for metric, (epochs, values) in points.items():
        remain = np.zeros(len(epochs), bool)
        remain[downsample(epochs, values, width, start)] = True
        # The last epoch of a chunk may be the last one of the run.
        remain[np.searchsorted(epochs, ends)] = True
        chosen = np.flatnonzero(remain)
        cuts = np.searchsorted(epochs[chosen], ends[:-1], side="right")
        parts[metric] = np.split(np.stack([epochs[chosen], values[chosen]]), cuts, axis=1)
    for index, end in enumerate(ends.tolist()):
        yield end, pack({metric: pieces[index] for metric, pieces in parts.items()})


def _merged(pieces: Iterable[Points]) -> Points:
    """Merge the points of consecutive epochs."""
    parts = [piece for piece in pieces if piece]
    return {
        metric: (
            np.concatenate([part[metric][0] for part in parts]),
            np.concatenate([part[metric][1] for part in parts]),
        )
        for metric in (parts[0] if parts else ())
    }
