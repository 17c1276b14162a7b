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

    `records` are `(m, *shape)`, see `record_shapes`; the targets `(samples, outputs)`, as float64.
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
        columns[f"{part}_loss"] = loss.values_from_scores(scores, answers).mean(-1)
        if loss.hits_from_scores is not None:
            hits = loss.hits_from_scores(scores, answers)
            columns[f"{part}_accuracy"] = hits.mean(-1)
    columns["gradient_norm"] = np.sqrt(segments.squares(records["gradient"]).sum(-1))
    return columns, np.isfinite(segments.squares(records["parameters"]).sum(-1))
