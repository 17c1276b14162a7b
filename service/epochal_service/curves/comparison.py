"""Compare jobs: their metrics at the same epochs, and their specs field by field."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..specs.changes import changed
from ..specs.comparison import SpecDifference
from ..specs.jobs import BestEpoch, CurveSeries
from ..specs.training import Metric, TrainingChangeSpec, TrainingSpec
from ..store import Connection
from ..store import log as job_log
from .epochs import METRICS, SUMMARY, merge, read_summaries

LONGEST_VALUE = 200  # characters of JSON
_LOSSES: tuple[Literal["validation_loss", "train_loss"], ...] = ("validation_loss", "train_loss")


def common_epochs(last: int, points: int) -> NDArray[np.int64]:
    """Return at most `points` evenly spaced epochs from the first to the last."""
    return np.unique(np.linspace(1, last, min(points, last)).round().astype(np.int64))


def at_epochs(
    connection: Connection, job_id: str, metrics: Sequence[Metric], epochs: NDArray[np.int64]
) -> list[CurveSeries]:
    """Return the values of the job's metrics at those epochs that it has reached."""
    run = merge((first, body) for first, _, body in job_log.bodies(connection, job_id))
    if run is None:
        return []
    reached = epochs[epochs <= run.epochs[-1]]
    return [
        CurveSeries(
            metric=metric,
            epochs=reached.tolist(),
            values=run.columns[metric][reached - run.first].tolist(),
        )
        for metric in metrics
        if metric in run.columns
    ]


def best_epoch(connection: Connection, job_id: str) -> BestEpoch | None:
    """Return the epoch with the lowest finite loss; None before the first.

    The validation loss counts; without a validation part, the training loss.
    """
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
    """Return the fields with different values, in the order of the first spec's fields, and then
    the fields that changed after an epoch.
    """
    flat = [_fields(spec) | dict(_changes(spec)) for spec in specs]
    paths = dict.fromkeys(path for leaves in flat for path in leaves)
    rows = ((path, [leaves.get(path, "") for leaves in flat]) for path in paths)
    return [
        SpecDifference(path=path, values=[_truncated(value) for value in values])
        for path, values in rows
        if len(set(values)) > 1
    ]


def _fields(spec: TrainingSpec) -> dict[str, str]:
    return dict(_leaves(spec.model_dump(mode="json", exclude_none=True, exclude={"changes"}), ""))


def _changes(spec: TrainingSpec) -> Iterator[tuple[str, str]]:
    """Yield what each change of a spec sets, with its epoch."""
    before, fields = spec, _fields(spec)
    for change in spec.changes:
        before, former = changed(before, change.training), fields
        fields = _fields(before)
        actions = change.training.model_dump(mode="json", include={"weights"})
        leaves = {**fields, **dict(_leaves(actions, ""))}
        for path in dict.fromkeys((*leaves, *former)):
            value = leaves.get(path, "null")
            if former.get(path) != value:
                yield f"{_moment(change)}: {path}", value


def _moment(change: TrainingChangeSpec) -> str:
    if change.step == 0:
        return f"after epoch {change.epoch}"
    return f"after step {change.step} of epoch {change.epoch + 1}"


def _leaves(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Yield the path and the JSON of every field; descend into objects and lists of objects."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _leaves(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list) and value and isinstance(value[0], Mapping):
        for index, inner in enumerate(value):
            yield from _leaves(inner, f"{path}[{index}]")
    else:
        yield path, json.dumps(value, ensure_ascii=False)


def _truncated(text: str) -> str:
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 1]}…"
