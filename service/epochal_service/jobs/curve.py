"""A long curve in few points, such that what matters is never among those left out.

The epochs are cut into stretches of equal length, and of each stretch the lowest and the highest
value stay (M4 of Jugel et al. 2014 without the two that it keeps for line joins), together with the
first and the last point of all and every stretch's first value that is not finite.
"""

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
from .epochs import METRICS, SUMMARY, join, read_summaries

_AT = {name: index for index, name in enumerate(SUMMARY)}


def keep(values: NDArray[np.float64], points: int) -> NDArray[np.intp]:
    """Indices, in order, of at most about `points` of the `(n,)` values: extremes, ends, and what
    is not finite.
    """
    count = len(values)
    if count <= points:
        return np.arange(count)
    edges = np.linspace(0, count, _buckets(points) + 1).astype(np.intp)[:-1]
    finite = np.isfinite(values)
    kept = [np.array([0, count - 1])]
    for fill, extreme in ((np.inf, np.minimum), (-np.inf, np.maximum)):
        filled = np.where(finite, values, fill)
        best = np.repeat(extreme.reduceat(filled, edges), np.diff(np.append(edges, count)))
        hits = np.flatnonzero((filled == best) & finite)
        kept.append(_first_of_each(hits, edges))
    kept.append(_first_of_each(np.flatnonzero(~finite), edges))
    return np.unique(np.concatenate(kept))


def _buckets(points: int) -> int:
    return max(1, (points - 2) // 2)


def _first_of_each(hits: NDArray[np.intp], edges: NDArray[np.intp]) -> NDArray[np.intp]:
    """Of the sorted indices, the first in each bucket."""
    bucket = np.searchsorted(edges, hits, side="right")
    return hits[np.diff(bucket, prepend=-1) > 0]


def read(connection: Connection, job_id: str, metrics: Sequence[Metric], points: int) -> Curve:
    """The job's curve of these metrics (all if none is named), each in at most about `points`
    points.
    """
    stretches = job_log.summaries(connection, job_id)
    if not stretches:
        return Curve(epochs=0, series=[])
    last = stretches[-1][1]
    table = read_summaries([blob for _, _, blob in stretches])
    wanted = [metric for metric in (metrics or METRICS) if metric in METRICS]
    present = [m for m in wanted if table[:, METRICS.index(m), _AT["present"]].any()]
    # The summaries have the extremes of every stretch. That is all that buckets need if they are
    # wider, and still half of it if there are half as many stretches as buckets: no reason to read
    # a hundred times as much.
    if last > points and 2 * len(stretches) >= _buckets(points):
        firsts = np.array([first for first, _, _ in stretches])
        series = [_from_summaries(table, firsts, last, metric, points) for metric in present]
        return Curve(epochs=last, series=series)
    whole = join((first, body) for first, _, body in job_log.bodies(connection, job_id))
    assert whole is not None
    series = []
    for metric in present:
        values = whole.columns[metric]
        kept = keep(values, points)
        series.append(
            CurveSeries(
                metric=metric, epochs=(kept + whole.first).tolist(), values=values[kept].tolist()
            )
        )
    return Curve(epochs=last, series=series)


def small(connection: Connection, job_ids: Sequence[str], points: int) -> dict[str, CurveSeries]:
    """The training loss of each job that has epochs, in about `points` points, by one query.

    Of a long run only as many stretches are read as there are points, and of each the last epoch is
    told.
    """
    parts: dict[str, list[Sample]] = {}
    for job_id, sample in job_log.samples(connection, job_ids, points):
        parts.setdefault(job_id, []).append(sample)
    series = {}
    for job_id, samples in parts.items():
        epochs, values = zip(*map(_losses, samples), strict=True)
        every, losses = np.concatenate(epochs), np.concatenate(values)
        # Bare summaries are few already, and lie at equal distances.
        kept = keep(losses, max(points, len(samples) + 1))
        series[job_id] = CurveSeries(
            metric="train_loss", epochs=every[kept].tolist(), values=losses[kept].tolist()
        )
    return series


def _losses(sample: Sample) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The epochs and training losses of a stretch: all of them, or of a bare summary the last one,
    and the very first of the job.
    """
    if sample.body is not None:
        losses = unpack_some(sample.body, lambda name: name == "train_loss")["train_loss"]
        return np.arange(sample.first_epoch, sample.last_epoch + 1), losses
    row = read_summaries([sample.summary])[0, METRICS.index("train_loss")]
    epochs, ends = [sample.last_epoch], [row[_AT["last"]]]
    if sample.first_epoch == 1 < sample.last_epoch:
        epochs, ends = [1, *epochs], [row[_AT["first"]], *ends]
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
    epochs, values = [np.array([firsts[0], last])], [rows[[0, -1], [_AT["first"], _AT["last"]]]]
    for name, fill, extreme in (("low", np.inf, np.minimum), ("high", -np.inf, np.maximum)):
        ends = rows[:, _AT[name]]
        filled = np.where(np.isnan(ends), fill, ends)
        best = np.repeat(extreme.reduceat(filled, starts), sizes)
        hits = _first_of_each(np.flatnonzero((filled == best) & ~np.isnan(ends)), starts)
        epochs.append(rows[hits, _AT[f"{name}_epoch"]].astype(np.int64))
        values.append(ends[hits])
    odd = _first_of_each(np.flatnonzero(rows[:, _AT["odd_epoch"]] > 0), starts)
    epochs.append(rows[odd, _AT["odd_epoch"]].astype(np.int64))
    values.append(rows[odd, _AT["odd"]])
    order, index = np.unique(np.concatenate(epochs), return_index=True)
    return CurveSeries(
        metric=metric, epochs=order.tolist(), values=np.concatenate(values)[index].tolist()
    )
