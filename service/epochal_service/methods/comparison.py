"""Compare jobs: their curves, their results and the differences of their specs."""

from __future__ import annotations

from ..curves import curve
from ..curves.comparison import at_epochs, best_epoch, common_epochs, differences
from ..jobs import lifecycle
from ..large import POINT_BYTES, require_small
from ..specs.comparison import ComparedJob, Comparison, GetComparisonRequest
from ..specs.training import Metric
from .context import Context
from .jobs import reply

LOSSES: tuple[Metric, ...] = ("train_loss", "validation_loss")


def get_comparison(context: Context, request: GetComparisonRequest) -> Comparison:
    """Compare the jobs in one snapshot of the database. Raises `NotFound`."""
    metrics = request.metrics or LOSSES
    with context.database.read() as connection:
        jobs = [
            reply(lifecycle.find(connection, job_id, context.access)) for job_id in request.jobs
        ]
        epochs = common_epochs(max(job.epoch for job in jobs), request.max_points)
        require_small(len(jobs) * len(metrics) * len(epochs) * POINT_BYTES)
        compared = []
        for job_id, job in zip(request.jobs, jobs, strict=True):
            if request.aligned:
                series = at_epochs(connection, job_id, metrics, epochs)
            else:
                series = curve.read(connection, job_id, metrics, request.max_points).series
            seconds = None
            if job.started_at is not None and job.finished_at is not None:
                seconds = (job.finished_at - job.started_at).total_seconds()
            compared.append(
                ComparedJob(
                    id=job_id,
                    name=job.spec.name,
                    state=job.state,
                    stop_reason=job.stop_reason,
                    warning=job.warning,
                    baselines=job.baselines,
                    forked_from=job.forked_from,
                    parameters=job.parameters,
                    epochs=job.epoch,
                    series=series,
                    latest=job.latest,
                    best=job.best or best_epoch(connection, job_id),
                    seconds=seconds,
                )
            )
    return Comparison(jobs=compared, differences=differences([job.spec for job in jobs]))
