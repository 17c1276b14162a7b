"""Losses, accuracies and norms of several epochs at once, from the records of what they met."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .losses import Loss
from .snapshots import Segments
from .trace import Array


def measure(
    loss: Loss,
    records: Mapping[str, Array],
    targets: Array,
    validation_targets: Array | None,
    segments: Segments,
) -> tuple[dict[str, Array], Array]:
    """The columns of the records' epochs, each `(m,)`, and whether their parameters are finite.

    `records` are `(m, *shape)`, see `record_shapes`; the targets `(samples, *output_shape)`, as the
    loss takes them and as float64.
    """
    # Each record is worked on in float64 and by itself: no bit depends on how many there are.
    columns = {}
    for part, scores_name, answers in (
        ("train", "scores", targets),
        ("validation", "validation_scores", validation_targets),
    ):
        if answers is None:
            continue
        scores = records[scores_name].astype(np.float64)
        counted = loss.counted(answers)
        columns[f"{part}_loss"] = _means(loss.values_from_scores(scores, answers), counted)
        if loss.has_accuracy:
            hits = loss.hits_from_scores(scores, answers)
            columns[f"{part}_accuracy"] = _means(hits, counted)
    columns["gradient_norm"] = np.sqrt(segments.squares(records["gradient"]).sum(-1))
    return columns, np.isfinite(segments.squares(records["parameters"]).sum(-1))


def _means(values: Array, counted: Array | None) -> Array:
    """The mean of each row's values that count, `(m, *answers)` to `(m,)`."""
    rows = values.reshape(len(values), -1)
    if counted is None:
        means: Array = rows.mean(-1)
        return means
    sums: Array = (rows * counted.ravel()).sum(-1)
    return sums / max(float(counted.sum()), 1.0)
