"""Epochs in the log: segments of at most 1,024, stored by column with a summary of their extremes.

The columns of a long run are read only for a closer look: see `outlines`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from epochal_engine import STATISTICS, Block, Gradients

from ..specs.jobs import EpochRow, GradientBatch, GradientColumns
from ..specs.training import Metric
from ..store.log import Entry
from ..store.packing import pack, unpack_some, unpack_state

METRICS: tuple[Metric, ...] = get_args(Metric)
# The summary of a metric in a segment: whether it is present, its lowest and highest finite value
# with their epochs, its first and last value, and its first non-finite value with its epoch (0:
# none).
SUMMARY = (
    "present",
    "low",
    "low_epoch",
    "high",
    "high_epoch",
    "first",
    "last",
    "nonfinite_epoch",
    "nonfinite",
)

Columns = dict[str, NDArray[np.float64]]


def entry_of(block: Block, seconds: NDArray[np.float64], after: int = 0) -> Entry | None:
    """Return the log entry for the epochs of a block after `after`; None without any.

    `seconds` `(n,)` is the duration of each epoch of the block.
    """
    first, columns = columns_after(block, seconds, after)
    count = len(columns["seconds"])
    if count == 0:
        return None
    return Entry(
        "epochs",
        first,
        first + count - 1,
        summary=summarize_columns(first, columns),
        body=pack(columns),
        gradients=None if block.gradients is None else pack_gradients(block.gradients, after),
    )


def columns_after(block: Block, seconds: NDArray[np.float64], after: int) -> tuple[int, Columns]:
    """Return the first epoch of a block after `after`, and the columns from there on."""
    skip = max(0, after + 1 - block.first_epoch)
    columns = {**block.columns, "seconds": seconds}
    return block.first_epoch + skip, {name: column[skip:] for name, column in columns.items()}


def summarize_columns(first_epoch: int, columns: Mapping[str, NDArray[np.float64]]) -> bytes:
    """Return the summary of a segment: `(metrics, SUMMARY)` float64, as bytes."""
    table = np.zeros((len(METRICS), len(SUMMARY)))
    for row, metric in zip(table, METRICS, strict=True):
        values = columns.get(metric)
        if values is None:
            continue
        finite = np.isfinite(values)
        row[0], row[5], row[6] = 1, values[0], values[-1]
        if finite.all():
            low, high = int(values.argmin()), int(values.argmax())
        else:
            index = int(finite.argmin())
            row[7], row[8] = first_epoch + index, values[index]
            if not finite.any():
                row[1:5] = np.nan, first_epoch, np.nan, first_epoch
                continue
            low = int(np.where(finite, values, np.inf).argmin())
            high = int(np.where(finite, values, -np.inf).argmax())
        row[1:5] = values[low], first_epoch + low, values[high], first_epoch + high
    return table.tobytes()


def read_summaries(blobs: Sequence[bytes]) -> NDArray[np.float64]:
    """Return the summaries as `(segments, metrics, SUMMARY)` float64.

    Earlier versions stored only the first metrics; the others are not present.
    """
    size = len(METRICS) * len(SUMMARY) * np.dtype(np.float64).itemsize
    whole = b"".join(blob.ljust(size, b"\0") for blob in blobs)
    return np.frombuffer(whole).reshape(-1, len(METRICS), len(SUMMARY))


def pack_gradients(gradients: Gradients, after: int = 0) -> bytes | None:
    """Pack the snapshots after the epoch `after`; None without any.

    Counts are stored in the smallest sufficient integer type.
    """
    first = int(np.searchsorted(gradients.epochs, after, side="right"))
    if first == len(gradients.epochs):
        return None
    counts = gradients.histogram[first:]
    return pack(
        {
            "epochs": gradients.epochs[first:],
            "statistics": gradients.statistics[first:],
            "histogram": counts.astype(np.min_scalar_type(int(counts.max(initial=0)))),
        },
        {"layers": list(gradients.layers)},
    )


def unpack_gradients(
    blobs: Iterable[bytes], epochs: NDArray[np.int64] | None = None
) -> Gradients | None:
    """Return the snapshots of segments in order, or only of `epochs`; None without segments.

    Their statistics have the type of the least precise segment. A layer that was frozen in some of
    them has NaN and counts of 0 there.
    """
    parts = []
    for arrays, values in map(unpack_state, blobs):
        if epochs is not None:
            selected = np.isin(arrays["epochs"], epochs)
            arrays = {name: array[selected] for name, array in arrays.items()}
        parts.append((arrays, values))
    if not parts:
        return None
    # Earlier versions stored snapshots of float64 jobs in float32.
    types = {arrays["statistics"].dtype for arrays, _ in parts}

    layers = tuple(dict.fromkeys(name for _, values in parts for name in values["layers"]))

    def merged(name: str, absent: float = 0) -> NDArray[Any]:
        """Return the array of all segments, with all layers on its second axis."""
        pieces = []
        for arrays, values in parts:
            piece = arrays[name]
            if name != "epochs" and tuple(values["layers"]) != layers:
                whole = np.full((len(piece), len(layers), *piece.shape[2:]), absent, piece.dtype)
                whole[:, [layers.index(layer) for layer in values["layers"]]] = piece
                piece = whole
            pieces.append(piece)
        return np.concatenate(pieces)

    return Gradients(
        merged("epochs"),
        layers,
        merged("statistics", np.nan).astype(min(types, key=lambda dtype: dtype.itemsize)),
        merged("histogram").astype(np.uint32),
    )


@dataclass(frozen=True)
class Segment:
    """Epochs `first` to `first + n - 1`; each column is `(n,)`."""

    first: int
    columns: Columns

    @property
    def epochs(self) -> NDArray[np.int64]:
        return np.arange(self.first, self.first + len(self.columns["seconds"]))


def merge(bodies: Iterable[tuple[int, bytes]], metrics: Sequence[str] = METRICS) -> Segment | None:
    """Merge (first epoch, packed columns) of consecutive segments; None without any.

    The segment has the metrics that are present, and the seconds.
    """
    selected = {*metrics, "seconds"}
    firsts, parts = [], []
    for first, body in bodies:
        firsts.append(first)
        parts.append(unpack_some(body, selected.__contains__))
    if not parts:
        return None
    names = [metric for metric in METRICS if metric in parts[0]]
    return Segment(firsts[0], {n: np.concatenate([part[n] for part in parts]) for n in names})


def rows(segment: Segment, after: int = 0) -> Iterator[EpochRow]:
    """Yield an `EpochRow` for each epoch after `after`."""
    skip = max(0, after + 1 - segment.first)
    names = list(segment.columns)
    table = zip(*(segment.columns[name][skip:].tolist() for name in names), strict=True)
    for epoch, values in enumerate(table, segment.first + skip):
        yield EpochRow(epoch=epoch, **dict(zip(names, values, strict=True)))


def last_row(first_epoch: int, columns: Mapping[str, NDArray[np.float64]]) -> EpochRow:
    """Return the last epoch of a block."""
    values = {name: float(column[-1]) for name, column in columns.items()}
    epoch = first_epoch + len(next(iter(columns.values()))) - 1
    return EpochRow(epoch=epoch, **values)


def latest_row(first_epoch: int, columns: Mapping[str, NDArray[np.float64]]) -> str:
    """Return the last epoch of a block as JSON, for the column `latest` of the job's row."""
    return last_row(first_epoch, columns).model_dump_json()


def gradient_columns(gradients: Gradients) -> GradientBatch:
    """Return the snapshots by column, without histograms."""
    return GradientBatch(
        epochs=gradients.epochs.tolist(),
        layers=[
            GradientColumns(
                name=name,
                **{
                    statistic: gradients.statistics[:, index, column].tolist()
                    for column, statistic in enumerate(STATISTICS)
                },
            )
            for index, name in enumerate(gradients.layers)
        ],
    )


def parse_note(note: str | None) -> dict[str, Any]:
    """Return the parsed note of a log row."""
    return dict(json.loads(note or "{}"))
