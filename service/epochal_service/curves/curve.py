"""The curve of a run: its metrics in a limited number of points, see `buckets`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..specs.jobs import Curve, CurveSeries
from ..specs.training import Metric
from ..store import Connection
from ..store import log as job_log
from ..store.log import Sample
from ..store.packing import unpack_some
from . import outlines
from .buckets import bucket_width, closed_epoch, downsample
from .epochs import METRICS, SUMMARY, read_summaries

_COLUMNS = {name: index for index, name in enumerate(SUMMARY)}


def read(
    connection: Connection, job_id: str, metrics: Sequence[Metric], points: int, after: int = 0
) -> Curve:
    """Return the job's curve of the metrics (empty: all), each in at most about `points` points:
    those after the epoch `after`.
    """
    last = job_log.last_epoch(connection, job_id)
    width = bucket_width(last, points)
    # The extremes of the bucket that `after` divides may be before it.
    start = after // width * width
    selected = outlines.read(connection, job_id, start, last, width, metrics or METRICS)
    series = []
    for metric in metrics or METRICS:
        if metric in selected:
            epochs, values = selected[metric]
            chosen = downsample(epochs, values, width, after)
            series.append(
                CurveSeries(
                    metric=metric, epochs=epochs[chosen].tolist(), values=values[chosen].tolist()
                )
            )
    return Curve(
        epochs=last,
        epochs_per_bucket=width,
        closed_epoch=closed_epoch(last, width),
        series=series,
    )


def small(connection: Connection, job_ids: Sequence[str], points: int) -> dict[str, CurveSeries]:
    """Return the training loss of each job that has epochs, in about `points` points, by one query.

    A long run is read in its last epochs, of about `points` segments.
    """
    parts: dict[str, list[Sample]] = {}
    for job_id, sample in job_log.samples(connection, job_ids, points):
        parts.setdefault(job_id, []).append(sample)
    series = {}
    for job_id, samples in parts.items():
        epochs, values = zip(*map(_losses, samples), strict=True)
        all_epochs, losses = np.concatenate(epochs), np.concatenate(values)
        # Summaries without bodies are few and evenly spaced already.
        width = bucket_width(len(losses), max(points, len(samples) + 1))
        chosen = downsample(all_epochs, losses, width)
        series[job_id] = CurveSeries(
            metric="train_loss", epochs=all_epochs[chosen].tolist(), values=losses[chosen].tolist()
        )
    return series


def _losses(sample: Sample) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return epochs and training losses of a segment.

    Without a body only its last epoch is known, and for the first segment also epoch 1.
    """
    if sample.body is not None:
        losses = unpack_some(sample.body, lambda name: name == "train_loss")["train_loss"]
        return np.arange(sample.first_epoch, sample.last_epoch + 1), losses
    row = read_summaries([sample.summary])[0, METRICS.index("train_loss")]
    epochs, ends = [sample.last_epoch], [row[_COLUMNS["last"]]]
    if sample.first_epoch == 1 < sample.last_epoch:
        epochs, ends = [1, *epochs], [row[_COLUMNS["first"]], *ends]
    return np.array(epochs), np.array(ends)
