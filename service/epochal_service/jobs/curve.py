"""Downsample a long curve and preserve its extremes and non-finite values.

The epochs are divided into buckets of equal length. Each bucket keeps its lowest and its highest
value (M4 of Jugel et al. 2014, without the two points that it keeps for line joins) and its first
non-finite value; the curve keeps its first and its last point.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..specs.jobs import Curve, CurveSeries
from ..specs.training import Metric
from ..store import Connection
from ..store import log as job_log
from ..store.log import Sample
from ..store.packing import unpack_some
from .epochs import METRICS, SUMMARY, merge, read_summaries

_COLUMNS = {name: index for index, name in enumerate(SUMMARY)}


def downsample(values: NDArray[np.float64], points: int) -> NDArray[np.intp]:
    """Return sorted indices of about `points` of the values `(n,)`.

    They are the first and the last one, and the extremes and non-finite values of each bucket.
    """
    count = len(values)
    if count <= points:
        return np.arange(count)
    finite = np.isfinite(values)
    ends, buckets = np.array([0, count - 1]), _buckets(points)
    if finite.all():
        low, high = (_first_in_each(values, buckets, best) for best in (np.argmin, np.argmax))
        return np.unique(np.concatenate([ends, low, high]))
    filled = (np.where(finite, values, np.inf), np.where(finite, values, -np.inf))
    low = _first_in_each(filled[0], buckets, np.argmin)
    high = _first_in_each(filled[1], buckets, np.argmax)
    other = _first_in_each(~finite, buckets, np.argmax)
    # A bucket may have no finite value, and most have no other one.
    chosen = [ends, low[finite[low]], high[finite[high]], other[~finite[other]]]
    return np.unique(np.concatenate(chosen))


def _first_in_each(
    values: NDArray[Any], buckets: int, best: Callable[..., NDArray[np.intp]]
) -> NDArray[np.intp]:
    """Return the index of the first best value `(n,)` in each bucket, by argmin or argmax.

    The lengths of buckets differ by at most one: the first ones are longer.
    """
    width, longer = divmod(len(values), buckets)
    split = longer * (width + 1)
    first = values[:split].reshape(longer, width + 1)
    others = values[split:].reshape(buckets - longer, width)
    indices = [best(first, axis=1) + np.arange(longer) * (width + 1)] if longer else []
    return np.concatenate([*indices, best(others, axis=1) + split + np.arange(len(others)) * width])


def _buckets(points: int) -> int:
    return max(1, (points - 2) // 2)


def _first_of_each(hits: NDArray[np.intp], edges: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the first of the sorted indices in each bucket."""
    bucket = np.searchsorted(edges, hits, side="right")
    return hits[np.diff(bucket, prepend=-1) > 0]


def read(connection: Connection, job_id: str, metrics: Sequence[Metric], points: int) -> Curve:
    """Return the job's curve of the metrics (empty: all), each in about `points` points."""
    segments = job_log.summaries(connection, job_id)
    if not segments:
        return Curve(epochs=0, series=[])
    last = segments[-1][1]
    table = read_summaries([blob for _, _, blob in segments])
    selected = [metric for metric in (metrics or METRICS) if metric in METRICS]
    present = [m for m in selected if table[:, METRICS.index(m), _COLUMNS["present"]].any()]
    # Summaries hold the extremes of every segment, which is all that wider buckets need. With half
    # as many segments as buckets they still give half of the points, at a hundredth of the bytes.
    if last > points and 2 * len(segments) >= _buckets(points):
        firsts = np.array([first for first, _, _ in segments])
        series = [_from_summaries(table, firsts, last, metric, points) for metric in present]
        return Curve(epochs=last, series=series)
    bodies = job_log.bodies(connection, job_id)
    run = merge(((first, body) for first, _, body in bodies), present)
    assert run is not None
    series = []
    for metric in present:
        values = run.columns[metric]
        chosen = downsample(values, points)
        series.append(
            CurveSeries(
                metric=metric, epochs=(chosen + run.first).tolist(), values=values[chosen].tolist()
            )
        )
    return Curve(epochs=last, series=series)


def small(connection: Connection, job_ids: Sequence[str], points: int) -> dict[str, CurveSeries]:
    """Return the training loss of each job that has epochs, in about `points` points, by one query.

    Of a long run only the last epochs of about `points` segments are read.
    """
    parts: dict[str, list[Sample]] = {}
    for job_id, sample in job_log.samples(connection, job_ids, points):
        parts.setdefault(job_id, []).append(sample)
    series = {}
    for job_id, samples in parts.items():
        epochs, values = zip(*map(_losses, samples), strict=True)
        all_epochs, losses = np.concatenate(epochs), np.concatenate(values)
        # Summaries without bodies are few and evenly spaced already.
        chosen = downsample(losses, max(points, len(samples) + 1))
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


def _from_summaries(
    table: NDArray[np.float64],
    firsts: NDArray[np.int64],
    last: int,
    metric: Metric,
    points: int,
) -> CurveSeries:
    rows = table[:, METRICS.index(metric)]
    bucket = (firsts - 1) * _buckets(points) // last
    starts = np.flatnonzero(np.diff(bucket, prepend=-1))
    sizes = np.diff(np.append(starts, len(rows)))
    epochs, values = (
        [np.array([firsts[0], last])],
        [rows[[0, -1], [_COLUMNS["first"], _COLUMNS["last"]]]],
    )
    for name, fill, extreme in (("low", np.inf, np.minimum), ("high", -np.inf, np.maximum)):
        ends = rows[:, _COLUMNS[name]]
        filled = np.where(np.isnan(ends), fill, ends)
        best = np.repeat(extreme.reduceat(filled, starts), sizes)
        hits = _first_of_each(np.flatnonzero((filled == best) & ~np.isnan(ends)), starts)
        epochs.append(rows[hits, _COLUMNS[f"{name}_epoch"]].astype(np.int64))
        values.append(ends[hits])
    nonfinite = _first_of_each(np.flatnonzero(rows[:, _COLUMNS["nonfinite_epoch"]] > 0), starts)
    epochs.append(rows[nonfinite, _COLUMNS["nonfinite_epoch"]].astype(np.int64))
    values.append(rows[nonfinite, _COLUMNS["nonfinite"]])
    order, index = np.unique(np.concatenate(epochs), return_index=True)
    return CurveSeries(
        metric=metric, epochs=order.tolist(), values=np.concatenate(values)[index].tolist()
    )
