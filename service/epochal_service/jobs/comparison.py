"""What is the same among jobs, and what is not: their curves at the same epochs, their specs place
by place.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..specs.comparison import BestEpoch, SpecDifference
from ..specs.jobs import CurveSeries
from ..specs.training import Metric, TrainingSpec
from ..store import Connection
from ..store import log as job_log
from .epochs import METRICS, SUMMARY, join, read_summaries

LONGEST_VALUE = 200  # characters of JSON
_LOSSES: tuple[Literal["validation_loss", "train_loss"], ...] = ("validation_loss", "train_loss")


def common_epochs(last: int, points: int) -> NDArray[np.int64]:
    """At most `points` epochs from the first to the last one, at equal distances."""
    return np.unique(np.linspace(1, last, min(points, last)).round().astype(np.int64))


def at_epochs(
    connection: Connection, job_id: str, metrics: Sequence[Metric], epochs: NDArray[np.int64]
) -> list[CurveSeries]:
    """Of each metric that the job has its values at those of the epochs that it has come to."""
    whole = join((first, body) for first, _, body in job_log.bodies(connection, job_id))
    if whole is None:
        return []
    reached = epochs[epochs <= whole.epochs[-1]]
    return [
        CurveSeries(
            metric=metric,
            epochs=reached.tolist(),
            values=whole.columns[metric][reached - whole.first].tolist(),
        )
        for metric in metrics
        if metric in whole.columns
    ]


def best_epoch(connection: Connection, job_id: str) -> BestEpoch | None:
    """The lowest finite loss and its epoch; None before there is one."""
    table = read_summaries([blob for _, _, blob in job_log.summaries(connection, job_id)])
    column = SUMMARY.index
    for metric in _LOSSES:
        rows = table[:, METRICS.index(metric)]
        rows = rows[(rows[:, column("present")] > 0) & np.isfinite(rows[:, column("low")])]
        if len(rows) > 0:
            best = rows[rows[:, column("low")].argmin()]
            return BestEpoch(
                metric=metric,
                epoch=int(best[column("low_epoch")]),
                value=float(best[column("low")]),
            )
    return None


def differences(specs: Sequence[TrainingSpec]) -> list[SpecDifference]:
    """The places at which not all specs have the same, in the order of the first spec's fields."""
    flat = [dict(_places(spec.model_dump(mode="json", exclude_none=True), "")) for spec in specs]
    paths = dict.fromkeys(path for places in flat for path in places)
    rows = ((path, [places.get(path, "") for places in flat]) for path in paths)
    return [
        SpecDifference(path=path, values=[_shortened(value) for value in values])
        for path, values in rows
        if len(set(values)) > 1
    ]


def _places(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Every number, text and list of these with its path; lists of objects are gone into."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _places(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list) and value and isinstance(value[0], Mapping):
        for index, inner in enumerate(value):
            yield from _places(inner, f"{path}[{index}]")
    else:
        yield path, json.dumps(value, ensure_ascii=False)


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 1]}…"
