"""The methods of jobs: create, read, control, watch."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from math import nan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from epochal_engine import HISTOGRAM_EDGES, STATISTICS, Gradients

from ..admission.price import price_of
from ..admission.submission import submission_of
from ..answers.inspection import without_weights
from ..curves import curve
from ..curves.epochs import METRICS, Columns, merge, rows, unpack_gradients
from ..curves.gradients import downsample_gradients
from ..errors import NotFound
from ..jobs import lifecycle, naming, webhooks
from ..jobs.endings import restored_epoch
from ..large import COUNT_BYTES, NUMBER_BYTES, POINT_BYTES, require_small
from ..preparation import baselines
from ..preparation.prepare import prepare
from ..specs import filters
from ..specs.base import timestamp
from ..specs.jobs import (
    BestEpoch,
    Checkpoint,
    CheckpointContent,
    CheckpointPage,
    CreateJobOptions,
    Curve,
    Divergence,
    EpochColumns,
    EpochPage,
    EpochRow,
    ExperimentOfJob,
    ForkedFrom,
    GetCheckpointRequest,
    GetCurveRequest,
    GetEpochColumnsRequest,
    GetJobColumnsRequest,
    GradientPage,
    GradientSnapshot,
    Job,
    JobColumn,
    JobColumns,
    JobPage,
    LayerGradient,
    ListCheckpointsRequest,
    ListEpochsRequest,
    ListGradientsRequest,
    ListJobsRequest,
    ResumeJobRequest,
    UpdateJobRequest,
    ValidatedJob,
    WatchJobRequest,
    job_fields,
)
from ..specs.training import Metric, TrainingSpec
from ..store import checkpoints
from ..store import log as job_log
from ..store.jobs import JobRow, JobWithSpec
from ..store.packing import to_npz, unpack
from ..streams.follow import Frames, job_events
from .context import Context
from .fingerprints import fingerprint
from .pages import page_size
from .rows import columns_of, estimate_of, fields_of, page_of

MAX_CURVES = 100  # jobs with a curve on one page


def create_job(context: Context, spec: TrainingSpec, options: CreateJobOptions) -> Job:
    """Create and queue a job. The same `request_id` and spec return the job created before.

    Raises `InvalidArgument` for a spec that cannot be trained; `IdempotencyMismatch`;
    `QuotaExceeded` if too many jobs are queued, or all jobs store too much.
    """
    spec = labeled(context, spec)
    request_fingerprint = fingerprint(spec, *spec.webhooks)
    webhooks.check(spec.webhooks, context.receivers)
    prepared = prepare(
        context.database, spec, context.access.without_members, context.settings.limits
    )
    price = price_of(prepared, context.settings)
    submission = submission_of(prepared, price, context.settings)
    context.take_jobs()
    row, new = lifecycle.submit(
        context.database,
        owner=context.owner,
        quotas=context.settings.quotas,
        values=submission.values,
        labels=submission.labels,
        request_id=options.request_id,
        fingerprint=request_fingerprint,
        search_terms=submission.search_terms,
        initial_weights=submission.initial_weights,
        reward_weights=submission.reward_weights,
    )
    if new:
        context.queue.notify_workers(row.id)
    return reply(row)


def labeled(context: Context, spec: TrainingSpec) -> TrainingSpec:
    """Return the spec with the labels by which the key of the caller reaches its job."""
    if not context.access.labels:
        return spec
    return spec.model_copy(update={"labels": spec.labels | dict(context.access.labels)})


def validate_job(context: Context, spec: TrainingSpec) -> ValidatedJob:
    """Check a job, estimate its cost, and fill in its defaults. Creates nothing.

    Raises `InvalidArgument` for a spec that cannot be trained.
    """
    webhooks.check(spec.webhooks, context.receivers)
    prepared = prepare(
        context.database, spec, context.access.without_members, context.settings.limits
    )
    price = price_of(prepared, context.settings)
    return ValidatedJob(
        spec=prepared.spec,
        forked_from=forked_from(prepared.spec),
        **estimate_of(context, prepared.cost, price),
    )


def forked_from(spec: TrainingSpec) -> ForkedFrom | None:
    """Return the checkpoint that the job starts from; None for new weights, and while it waits."""
    source = spec.initial_weights
    if source is None or source.epoch is None:
        return None
    return ForkedFrom(job=source.job, epoch=source.epoch)


def get_job(context: Context, id: str) -> Job:
    """Return the job. Raises `NotFound`."""
    return reply(lifecycle.get(context.database, id, context.access))


def list_jobs(context: Context, request: ListJobsRequest) -> JobPage:
    """List jobs, newest first or in another order; on request with a small curve of each.

    Raises `InvalidArgument` for a filter or an order that cannot be read.
    """
    size = page_size(request.page_size)
    tree = filters.parse(request.filter or "", job_fields())
    orders = filters.parse_order(request.order_by or "", job_fields())
    basic = request.view == "basic"
    if request.curve_points is not None:
        size = min(size, MAX_CURVES)
    with context.database.read() as connection:
        page, token = page_of(
            connection,
            context,
            request,
            "job",
            size,
            request.query,
            filter=tree,
            orders=orders,
            basic=basic,
        )
        curves = {}
        if request.curve_points is not None:
            curves = curve.small(connection, [row.id for row in page], request.curve_points)
    make = _basic if basic else reply
    replies = [make(row).model_copy(update={"curve": curves.get(row.id)}) for row in page]
    return JobPage(jobs=replies, next_page_token=token)


def get_job_columns(context: Context, request: GetJobColumnsRequest) -> JobColumns:
    """Return some fields of a page of jobs by column: a table for a chart or a notebook.

    Raises `InvalidArgument` for a filter, an order or fields that cannot be read.
    """
    fields = filters.parse_columns(request.fields, job_fields())
    size = page_size(request.page_size)
    with context.database.read() as connection:
        page, token = columns_of(connection, context, request, size, fields)
    ids, *values = zip(*page, strict=True) if page else ((), *((),) * len(fields))
    columns = [
        JobColumn(field=name, numbers=[nan if value is None else value for value in column])
        if field.kind == "number"
        else JobColumn(field=name, texts=[_text(value, field.kind) for value in column])
        for name, field, column in zip(request.fields, fields, values, strict=True)
    ]
    return JobColumns(ids=list(ids), columns=columns, next_page_token=token)


def _text(value: Any, kind: str) -> str:
    if value is None:
        return ""
    match kind:
        case "time":
            return datetime.fromtimestamp(value, UTC).isoformat().replace("+00:00", "Z")
        case "boolean":
            return "true" if value else "false"
    return str(value)


def update_job(context: Context, id: str, request: UpdateJobRequest) -> Job:
    """Change the name and the labels of a job in any state. Training is not affected.

    Raises `NotFound`; `InvalidArgument` if it would have too many labels.
    """
    return reply(naming.update(context.database, id, context.access, request, "job"))


def delete_job(context: Context, id: str) -> None:
    """Delete a job that has ended, with its epochs and checkpoints.

    Raises `NotFound`; `Conflict` if it has not ended.
    """
    lifecycle.delete(context.database, id, context.access)


def cancel_job(context: Context, id: str) -> Job:
    """Cancel the job. Raises `NotFound`; `Conflict` if it has ended."""
    return _notified(context, lifecycle.cancel(context.database, id, context.access))


def pause_job(context: Context, id: str) -> Job:
    """Pause the job at its next epoch. Raises `NotFound`; `Conflict` if it has ended."""
    return _notified(context, lifecycle.pause(context.database, id, context.access))


def resume_job(context: Context, id: str, request: ResumeJobRequest = ResumeJobRequest()) -> Job:
    """Resume a paused job: to its end, or for some `epochs`, after which it pauses again.

    Raises `NotFound`; `Conflict` if it has ended, and for `epochs` if it is not paused.
    """
    row = lifecycle.resume(context.database, id, context.access, request.epochs)
    return _notified(context, row)


def _notified(context: Context, row: JobWithSpec) -> Job:
    """Notify workers and watchers of the changed row, and return the reply."""
    if row.state == "queued":
        context.queue.notify_workers(row.id)
    context.queue.notify_watchers(row.id)
    return reply(row)


# --------------------------------------------------------------------------------------- results


def list_epochs(context: Context, id: str, request: ListEpochsRequest) -> EpochPage:
    """List the epochs after `after_epoch`, in order. Raises `NotFound`."""
    size = page_size(request.page_size)
    row = lifecycle.get(context.database, id, context.access)
    with context.database.read() as connection:
        last = min(request.after_epoch + size, row.epoch)
        bodies = job_log.bodies(connection, id, request.after_epoch, last)
    segment = merge((first, body) for first, _, body in bodies)
    if segment is None:
        return EpochPage(epochs=[])
    page = list(itertools.islice(rows(segment, request.after_epoch), size))
    more = page[-1].epoch < row.epoch
    return EpochPage(epochs=page, next_after_epoch=page[-1].epoch if more else None)


def get_epoch_columns(context: Context, id: str, request: GetEpochColumnsRequest) -> EpochColumns:
    """Return the metrics of the epochs after `after_epoch` by column: a table for a notebook. Over
    HTTP also as a file of NumPy arrays, with `Accept: application/x-npz`. Raises `NotFound`.
    """
    epochs, columns, next_after_epoch = epoch_arrays(context, id, request)
    return EpochColumns(
        epochs=epochs.tolist(),
        columns={name: column.tolist() for name, column in columns.items()},
        next_after_epoch=next_after_epoch,
    )


def epoch_arrays(
    context: Context, id: str, request: GetEpochColumnsRequest
) -> tuple[NDArray[np.int64], Columns, int | None]:
    """Return the epochs of the page `(n,)`, their metrics `(n,)`, and the last epoch if there are
    more. Raises `NotFound`.
    """
    row = lifecycle.get(context.database, id, context.access)
    after, metrics = request.after_epoch, request.metrics or METRICS
    last = min(after + request.page_size, row.epoch)
    require_small(max(last - after, 0) * (1 + _recorded(row, metrics)) * NUMBER_BYTES)
    with context.database.read() as connection:
        bodies = job_log.bodies(connection, id, after, last)
    segment = merge(((first, body) for first, _, body in bodies), metrics)
    if segment is None:
        return np.empty(0, np.int64), {}, None
    part = slice(after + 1 - segment.first, last + 1 - segment.first)
    columns: Columns = {
        name: segment.columns[name][part] for name in metrics if name in segment.columns
    }
    return segment.epochs[part], columns, last if last < row.epoch else None


def get_curve(context: Context, id: str, request: GetCurveRequest) -> Curve:
    """Return the downsampled curves of the metrics: whole ones, or the part after an epoch.

    Raises `NotFound`.
    """
    row = lifecycle.get(context.database, id, context.access)
    metrics = _recorded(row, request.metrics or METRICS)
    require_small(min(request.max_points, row.epoch) * metrics * POINT_BYTES)
    with context.database.read() as connection:
        return curve.read(connection, id, request.metrics, request.max_points, request.after_epoch)


def _recorded(row: JobRow, metrics: Sequence[Metric]) -> int:
    """Return how many of the metrics the job records."""
    latest = json.loads(row.latest or "{}")
    return sum(latest.get(metric) is not None for metric in metrics)


def list_gradients(context: Context, id: str, request: ListGradientsRequest) -> GradientPage:
    """List the gradient snapshots after `after_epoch`, in order: every one, page by page, or about
    `max_points` of the whole run. Raises `NotFound`.
    """
    size = page_size(request.page_size)
    row = lifecycle.get(context.database, id, context.access)
    every = TrainingSpec.model_validate_json(row.spec).snapshots.gradients_every
    after = request.after_epoch
    with context.database.read() as connection:
        if request.max_points is not None:
            selection = downsample_gradients(connection, id, after, every, request.max_points)
            return _gradient_page(selection.gradients).model_copy(
                update={
                    "epochs_per_bucket": selection.width,
                    "closed_epoch": selection.closed_epoch,
                }
            )
        last = min(after + (size + 1) * max(every, 1), row.epoch)
        blobs = job_log.gradients(connection, id, after, last)
    return _gradient_page(unpack_gradients(blob for _, _, blob in blobs), after, size)


def _gradient_page(
    gradients: Gradients | None, after: int = 0, size: int | None = None
) -> GradientPage:
    """Return `size` of the snapshots after the epoch `after`, or all."""
    edges = HISTOGRAM_EDGES.tolist()
    if gradients is None:
        return GradientPage(histogram_edges=edges, snapshots=[])
    selected = np.flatnonzero(gradients.epochs > after)
    of_layer = len(STATISTICS) * NUMBER_BYTES + gradients.histogram.shape[-1] * COUNT_BYTES
    require_small(len(selected[:size]) * len(gradients.layers) * of_layer)
    statistics, counts = gradients.statistics.tolist(), gradients.histogram.tolist()
    snapshots = [
        GradientSnapshot(
            epoch=int(gradients.epochs[index]),
            layers=[
                LayerGradient(
                    name=name,
                    histogram=counts[index][layer],
                    **dict(zip(STATISTICS, statistics[index][layer], strict=True)),
                )
                for layer, name in enumerate(gradients.layers)
                if any(counts[index][layer])  # it is not frozen
            ],
        )
        for index in selected[:size].tolist()
    ]
    more = size is not None and len(selected) > size
    return GradientPage(
        histogram_edges=edges,
        snapshots=snapshots,
        next_after_epoch=snapshots[-1].epoch if more else None,
    )


def list_checkpoints(context: Context, id: str, request: ListCheckpointsRequest) -> CheckpointPage:
    """List the job's checkpoints by epoch, without their weights. Raises `NotFound`."""
    size = page_size(request.page_size)
    after = -1 if request.after_epoch is None else request.after_epoch
    lifecycle.get(context.database, id, context.access)
    with context.database.read() as connection:
        stored = checkpoints.page(connection, id, after, size + 1)
    page = [
        Checkpoint(
            epoch=row.epoch,
            size_bytes=row.size_bytes,
            sha256=row.sha256,
            created_at=timestamp(row.created_at),
        )
        for row in stored[:size]
    ]
    more = len(stored) > size
    return CheckpointPage(checkpoints=page, next_after_epoch=page[-1].epoch if more else None)


def get_checkpoint(
    context: Context, id: str, epoch: int, request: GetCheckpointRequest
) -> CheckpointContent:
    """Return the weights of an epoch as a file. Raises `NotFound`."""
    _, blob = checkpoint_of(context, id, epoch)
    content = blob if request.format == "safetensors" else to_npz(unpack(blob))
    return CheckpointContent(epoch=epoch, format=request.format, content=content)


def checkpoint_of(context: Context, id: str, epoch: int | None) -> tuple[int, bytes]:
    """Return epoch and packed weights of a checkpoint, by default the restored or the latest one.

    Raises `NotFound`.
    """
    row = lifecycle.get(context.database, id, context.access)
    if epoch is None:
        epoch = restored_epoch(row, TrainingSpec.model_validate_json(row.spec))
    with context.database.read() as connection:
        checkpoint = checkpoints.find(connection, id, epoch)
    if checkpoint is None:
        if epoch is None:
            raise without_weights(row.state)
        raise NotFound(
            f"The job is {row.state} and has no checkpoint of epoch {epoch}: "
            f"GET /v1/jobs/{id}/checkpoints lists all",
            reason="checkpoint_not_found",
        )
    return checkpoint


async def watch_job(context: Context, id: str, request: WatchJobRequest) -> Frames:
    """Stream the job's events after a cursor, by default after a snapshot.

    Raises `NotFound`, `InvalidArgument`.
    """
    return await context.hub.watch(
        id,
        context.access,
        request.after,
        job_events(reply),
        parameters=request.parameters,
        key=context.key,
    )


def _experiment_of(row: JobWithSpec) -> ExperimentOfJob | None:
    if row.experiment_id is None:
        return None
    assert row.experiment_job is not None
    assert row.experiment_seed is not None
    return ExperimentOfJob(id=row.experiment_id, job=row.experiment_job, seed=row.experiment_seed)


def reply(row: JobWithSpec) -> Job:
    """Return the reply for a row of the store."""
    spec = TrainingSpec.model_validate_json(row.spec)
    divergence = None if row.divergence is None else Divergence(**json.loads(row.divergence))
    latest = None if row.latest is None else EpochRow.model_validate_json(row.latest)
    fields = fields_of(row)
    best = None
    if row.best is not None:
        is_restored = restored_epoch(row, spec) is not None
        best = BestEpoch(**json.loads(row.best), is_restored=is_restored)
    return Job(
        **fields,
        divergence=divergence,
        warning=baselines.warning(row.state, spec, fields["baselines"], best, latest),
        spec=spec,
        forked_from=forked_from(spec),
        experiment=_experiment_of(row),
        latest=latest,
        best=best,
    )


def _basic(row: JobWithSpec) -> Job:
    """Return the reply for a row without what a list leaves out by default."""
    job = reply(row)
    if job.baselines is None:
        return job
    less = job.baselines.model_copy(update={"separability": None, "ngrams": []})
    return job.model_copy(update={"baselines": less})
