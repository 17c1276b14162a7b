"""Epochs as they lie in the log: by column, in stretches of at most 1,024, with their extremes
beside them.

A stretch of one million epochs' curve is read from a thousand summaries of half a kilobyte; the
columns themselves are touched only where somebody looks closely.
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
from ..store.packing import pack, pack_state, unpack, unpack_state

METRICS: tuple[Metric, ...] = get_args(Metric)
# Of each metric in a stretch: is it there, its lowest and highest finite value and their epochs,
# its first and last value, and the first epoch at which it is not finite (0: never) with the value
# that it has there.
SUMMARY = ("present", "low", "low_epoch", "high", "high_epoch", "first", "last", "odd_epoch", "odd")

Columns = dict[str, NDArray[np.float64]]


def entry_of(block: Block, seconds: NDArray[np.float64], after: int = 0) -> Entry | None:
    """The log's row for the epochs of a block that lie beyond `after`; None if there are none.

    `seconds` `(n,)` is what each epoch of the block took.
    """
    skip = max(0, after + 1 - block.first_epoch)
    columns = {**block.columns, "seconds": seconds}
    columns = {name: column[skip:] for name, column in columns.items()}
    count = len(columns["seconds"])
    if count == 0:
        return None
    first = block.first_epoch + skip
    return Entry(
        "epochs",
        first,
        first + count - 1,
        summary=summarize_columns(first, columns),
        body=pack(columns),
        gradients=None if block.gradients is None else pack_gradients(block.gradients, after),
    )


def summarize_columns(first_epoch: int, columns: Mapping[str, NDArray[np.float64]]) -> bytes:
    """The extremes of a stretch: `(metrics, SUMMARY)` float64."""
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
            odd = int(finite.argmin())
            row[7], row[8] = first_epoch + odd, values[odd]
            if not finite.any():
                row[1:5] = np.nan, first_epoch, np.nan, first_epoch
                continue
            low = int(np.where(finite, values, np.inf).argmin())
            high = int(np.where(finite, values, -np.inf).argmax())
        row[1:5] = values[low], first_epoch + low, values[high], first_epoch + high
    return table.tobytes()


def read_summaries(blobs: Sequence[bytes]) -> NDArray[np.float64]:
    """`(stretches, metrics, SUMMARY)`."""
    return np.frombuffer(b"".join(blobs)).reshape(-1, len(METRICS), len(SUMMARY))


def pack_gradients(gradients: Gradients, after: int = 0) -> bytes | None:
    """Snapshots beyond the epoch `after`; counts take no more bytes than the largest needs."""
    fresh = gradients.epochs > after
    if not fresh.any():
        return None
    counts = gradients.histogram[fresh]
    return pack_state(
        {
            "epochs": gradients.epochs[fresh],
            "statistics": gradients.statistics[fresh],
            "histogram": counts.astype(np.min_scalar_type(int(counts.max(initial=0)))),
        },
        {"layers": list(gradients.layers)},
    )


def unpack_gradients(blobs: Iterable[bytes]) -> Gradients | None:
    """The snapshots of several stretches in a row; None if there are none."""
    parts = [unpack_state(blob) for blob in blobs]
    if not parts:
        return None

    def joined(name: str) -> NDArray[Any]:
        return np.concatenate([arrays[name] for arrays, _ in parts])

    return Gradients(
        joined("epochs"),
        tuple(parts[0][1]["layers"]),
        joined("statistics"),
        joined("histogram").astype(np.uint32),
    )


@dataclass(frozen=True)
class Stretch:
    """Epochs `first` to `first + n - 1`, each column `(n,)`."""

    first: int
    columns: Columns

    @property
    def epochs(self) -> NDArray[np.int64]:
        return np.arange(self.first, self.first + len(self.columns["seconds"]))


def join(bodies: Iterable[tuple[int, bytes]]) -> Stretch | None:
    """One stretch from (first epoch, packed columns) of stretches that follow each other."""
    firsts, parts = [], []
    for first, body in bodies:
        firsts.append(first)
        parts.append(unpack(body))
    if not parts:
        return None
    names = [metric for metric in METRICS if metric in parts[0]]
    return Stretch(firsts[0], {n: np.concatenate([part[n] for part in parts]) for n in names})


def rows(stretch: Stretch, after: int = 0) -> Iterator[EpochRow]:
    """One `EpochRow` for each epoch beyond `after`."""
    skip = max(0, after + 1 - stretch.first)
    names = list(stretch.columns)
    table = zip(*(stretch.columns[name][skip:].tolist() for name in names), strict=True)
    for epoch, values in enumerate(table, stretch.first + skip):
        yield EpochRow(epoch=epoch, **dict(zip(names, values, strict=True)))


def latest(stretch_first: int, columns: Mapping[str, NDArray[np.float64]]) -> str:
    """The last epoch of a block as JSON, for the job's own row."""
    values = {name: float(column[-1]) for name, column in columns.items()}
    epoch = stretch_first + len(next(iter(columns.values()))) - 1
    return EpochRow(epoch=epoch, **values).model_dump_json()


def gradient_columns(gradients: Gradients) -> GradientBatch:
    """Snapshots by column, without their histograms."""
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


def note(entry_note: str | None) -> dict[str, Any]:
    """The note of a log row."""
    return dict(json.loads(entry_note or "{}"))
