"""The methods of jobs: create, read, control, watch."""

from __future__ import annotations

import itertools
import json
from contextlib import closing

import numpy as np
from numpy.typing import NDArray

import epochal_engine as engine
from epochal_engine import HISTOGRAM_EDGES, STATISTICS

from ..errors import FieldError, InvalidArgument, NotFound
from ..jobs import baselines, curve, lifecycle
from ..jobs.datasets import class_names
from ..jobs.epochs import merge, rows, unpack_gradients
from ..jobs.estimate import dump_work, work_of
from ..jobs.follow import Frames, job_events
from ..jobs.inspection import NO_CLASS, predicted_classes
from ..jobs.preparation import prepare, scaled
from ..specs.base import timestamp
from ..specs.build import build_network
from ..specs.datasets import UploadedDataset
from ..specs.jobs import (
    Checkpoint,
    CheckpointContent,
    CheckpointPage,
    CreateJobOptions,
    Curve,
    Divergence,
    EpochPage,
    EpochRow,
    ForkedFrom,
    GetCheckpointRequest,
    GetCurveRequest,
    GradientPage,
    GradientSnapshot,
    GridSpec,
    Job,
    JobPage,
    LayerGradient,
    ListCheckpointsRequest,
    ListEpochsRequest,
    ListGradientsRequest,
    ListJobsRequest,
    Prediction,
    PredictRequest,
    ValidatedJob,
    WatchJobRequest,
)
from ..specs.networks import NetworkSpec
from ..specs.training import TrainingSpec
from ..store import checkpoints, jobs
from ..store import log as job_log
from ..store.jobs import JobWithSpec
from ..store.packing import pack, to_npz, unpack
from .context import Context
from .fingerprints import fingerprint
from .pages import before, cut, page_size

MAX_CURVES = 100  # jobs with a curve on one page


def create_job(context: Context, spec: TrainingSpec, options: CreateJobOptions) -> Job:
    """Create and queue a job. The same `request_id` and spec return the job created before.

    Raises `InvalidArgument` for a spec that cannot be trained; `IdempotencyMismatch`.
    """
    request_fingerprint = fingerprint(spec)
    prepared = prepare(context.database, spec, context.owner, context.settings.limits)
    spec = prepared.spec
    initial_weights = None
    if prepared.initial_weights is not None:
        initial_weights = pack({**prepared.initial_weights, **prepared.scaling})
    cost = prepared.cost
    row, new = lifecycle.submit(
        context.database,
        owner=context.owner,
        values={
            "spec": spec.model_dump_json(),
            "dataset_id": spec.dataset.id if isinstance(spec.dataset, UploadedDataset) else None,
            "parameters": cost.parameters,
            "samples": cost.samples,
            "flops": cost.flops,
            "work": dump_work(work_of(prepared)),
        },
        labels=spec.labels,
        request_id=options.request_id,
        fingerprint=request_fingerprint,
        search_terms=(spec.name or "", prepared.dataset.name, getattr(spec.dataset, "id", "")),
        initial_weights=initial_weights,
    )
    if new:
        context.queue.notify_workers(row.id)
    return reply(row)


def validate_job(context: Context, spec: TrainingSpec) -> ValidatedJob:
    """Check a job, estimate its cost, and fill in its defaults. Creates nothing.

    Raises `InvalidArgument` for a spec that cannot be trained.
    """
    prepared = prepare(context.database, spec, context.owner, context.settings.limits)
    return ValidatedJob(
        spec=prepared.spec,
        forked_from=forked_from(prepared.spec),
        parameters=prepared.cost.parameters,
        samples=prepared.cost.samples,
        flops=prepared.cost.flops,
        seconds=context.estimator.seconds(work_of(prepared)),
    )


def forked_from(spec: TrainingSpec) -> ForkedFrom | None:
    """Return the checkpoint that the job starts from; None for new weights."""
    source = spec.initial_weights
    return None if source is None else ForkedFrom(job=source.job, epoch=source.epoch)


def get_job(context: Context, id: str) -> Job:
    """Return the job. Raises `NotFound`."""
    return reply(lifecycle.get(context.database, id, context.owner))


def list_jobs(context: Context, request: ListJobsRequest) -> JobPage:
    """List jobs, newest first; on request with a small curve of each."""
    size = page_size(request.page_size)
    if request.curve_points is not None:
        size = min(size, MAX_CURVES)
    key, equals, value = (request.label or "").partition("=")
    with context.database.read() as connection:
        rows = jobs.page(
            connection,
            context.owner,
            size=size + 1,
            before=before(request.page_token, "job"),
            states=request.states,
            label=(key, value if equals else None) if request.label else None,
            text=request.query,
        )
        with closing(rows):
            page, token = cut(rows, size, lambda row: len(row.spec))
        curves = {}
        if request.curve_points is not None:
            curves = curve.small(connection, [row.id for row in page], request.curve_points)
    replies = [reply(row).model_copy(update={"curve": curves.get(row.id)}) for row in page]
    return JobPage(jobs=replies, next_page_token=token)


def delete_job(context: Context, id: str) -> None:
    """Delete a job that has ended, with its epochs and checkpoints.

    Raises `NotFound`; `Conflict` if it has not ended.
    """
    lifecycle.delete(context.database, id, context.owner)


def cancel_job(context: Context, id: str) -> Job:
    """Cancel the job. Raises `NotFound`; `Conflict` if it has ended."""
    return _notified(context, lifecycle.cancel(context.database, id, context.owner))


def pause_job(context: Context, id: str) -> Job:
    """Pause the job at its next epoch. Raises `NotFound`; `Conflict` if it has ended."""
    return _notified(context, lifecycle.pause(context.database, id, context.owner))


def resume_job(context: Context, id: str) -> Job:
    """Resume a paused job. Raises `NotFound`; `Conflict` if it has ended."""
    return _notified(context, lifecycle.resume(context.database, id, context.owner))


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
    row = lifecycle.get(context.database, id, context.owner)
    with context.database.read() as connection:
        last = min(request.after_epoch + size, row.epoch)
        bodies = job_log.bodies(connection, id, request.after_epoch, last)
    segment = merge((first, body) for first, _, body in bodies)
    if segment is None:
        return EpochPage(epochs=[])
    page = list(itertools.islice(rows(segment, request.after_epoch), size))
    more = page[-1].epoch < row.epoch
    return EpochPage(epochs=page, next_after_epoch=page[-1].epoch if more else None)


def get_curve(context: Context, id: str, request: GetCurveRequest) -> Curve:
    """Return the downsampled curves of the metrics. Raises `NotFound`."""
    lifecycle.get(context.database, id, context.owner)
    with context.database.read() as connection:
        return curve.read(connection, id, request.metrics, request.max_points)


def list_gradients(context: Context, id: str, request: ListGradientsRequest) -> GradientPage:
    """List the gradient snapshots after `after_epoch`, in order. Raises `NotFound`."""
    size = page_size(request.page_size)
    row = lifecycle.get(context.database, id, context.owner)
    every = TrainingSpec.model_validate_json(row.spec).snapshots.gradients_every
    last = min(request.after_epoch + (size + 1) * max(every, 1), row.epoch)
    with context.database.read() as connection:
        blobs = job_log.gradients(connection, id, request.after_epoch, last)
    edges = HISTOGRAM_EDGES.tolist()
    gradients = unpack_gradients(blob for _, _, blob in blobs)
    if gradients is None:
        return GradientPage(histogram_edges=edges, snapshots=[])
    selected = np.flatnonzero(gradients.epochs > request.after_epoch)
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
            ],
        )
        for index in selected[:size].tolist()
    ]
    more = len(selected) > size
    return GradientPage(
        histogram_edges=edges,
        snapshots=snapshots,
        next_after_epoch=snapshots[-1].epoch if more else None,
    )


def list_checkpoints(context: Context, id: str, request: ListCheckpointsRequest) -> CheckpointPage:
    """List the job's checkpoints by epoch, without their weights. Raises `NotFound`."""
    size = page_size(request.page_size)
    after = -1 if request.after_epoch is None else request.after_epoch
    lifecycle.get(context.database, id, context.owner)
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
    """Return epoch and packed weights of a checkpoint, by default the latest. Raises `NotFound`."""
    row = lifecycle.get(context.database, id, context.owner)
    with context.database.read() as connection:
        checkpoint = checkpoints.find(connection, id, epoch)
    if checkpoint is None:
        missing = "no checkpoint yet" if epoch is None else f"no checkpoint of epoch {epoch}"
        raise NotFound(
            f"The job is {row.state} and has {missing}: GET /v1/jobs/{id}/checkpoints lists all",
            reason="checkpoint_not_found",
        )
    return checkpoint


def predict(context: Context, id: str, request: PredictRequest) -> Prediction:
    """Return the outputs of a checkpoint for rows or a grid.

    Raises `NotFound`, `InvalidArgument`.
    """
    if bool(request.inputs) == (request.grid is not None):
        raise InvalidArgument.of(
            FieldError("inputs", "must be given, or grid instead: exactly one of the two")
        )
    row = lifecycle.get(context.database, id, context.owner)
    spec = TrainingSpec.model_validate_json(row.spec)
    assert isinstance(spec.network, NetworkSpec)
    network = build_network(spec.network)
    features = int(np.prod(network.input_shape))
    x: NDArray[np.float64] = np.empty(0)
    y: NDArray[np.float64] = np.empty(0)
    if request.grid is None:
        inputs = _inputs(request.inputs, features, context.settings.limits.max_predict_rows)
    else:
        x, y, inputs = _grid(request.grid, features)
    epoch, blob = checkpoint_of(context, id, request.epoch)
    weights = unpack(blob)
    with np.errstate(all="ignore"):  # inputs beyond the range of the weights' type become infinite
        outputs = engine.predict(
            network, weights, scaled(inputs.reshape(-1, *network.input_shape), weights)
        )
    loss = engine.LOSSES[spec.loss]
    classes: list[int] = []
    labels: list[str] = []
    if loss.has_accuracy:
        classes = predicted_classes(loss, outputs).ravel().tolist()
        with context.database.read() as connection:
            names = class_names(connection, spec, context.owner)
        if names:
            labels = ["" if index == NO_CLASS else names[index] for index in classes]
    return Prediction(
        epoch=epoch,
        outputs=outputs.reshape(len(outputs), -1).astype(float).tolist(),
        output_shape=list(network.output_shape),
        classes=classes,
        labels=labels,
        x=x.tolist(),
        y=y.tolist(),
    )


def _inputs(inputs: list[list[float]], features: int, limit: int) -> NDArray[np.float64]:
    """Return the rows as an array `(n, features)`. Raises `InvalidArgument`."""
    if len(inputs) > limit:
        raise InvalidArgument.of(
            FieldError("inputs", f"must have at most {limit} rows; it has {len(inputs)}"),
            reason="limit_exceeded",
        )
    errors = [
        FieldError(f"inputs[{index}]", f"needs {features} numbers; it has {len(row)}")
        for index, row in enumerate(inputs)
        if len(row) != features
    ]
    if errors:
        raise InvalidArgument.of(*errors)
    return np.array(inputs)


def _grid(
    grid: GridSpec, features: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the values along x and along y, and the points `(n, features)`."""
    errors = [
        FieldError(f"grid.{name}", f"must be less than the number of inputs, {features}")
        for name in ("x_feature", "y_feature")
        if getattr(grid, name) >= features
    ]
    if grid.x_feature == grid.y_feature:
        errors.append(FieldError("grid.y_feature", "must differ from x_feature"))
    if grid.fixed_values and len(grid.fixed_values) != features:
        errors.append(
            FieldError(
                "grid.fixed_values", f"needs {features} values; it has {len(grid.fixed_values)}"
            )
        )
    errors += [
        FieldError(f"grid.{axis}_max", f"must be greater than {axis}_min")
        for axis in ("x", "y")
        if getattr(grid, f"{axis}_min") >= getattr(grid, f"{axis}_max")
    ]
    if errors:
        raise InvalidArgument.of(*errors)
    x = np.linspace(grid.x_min, grid.x_max, grid.resolution)
    y = np.linspace(grid.y_min, grid.y_max, grid.resolution)
    inputs = np.tile(np.array(grid.fixed_values or [0.0] * features), (grid.resolution**2, 1))
    inputs[:, grid.x_feature] = np.tile(x, grid.resolution)
    inputs[:, grid.y_feature] = np.repeat(y, grid.resolution)
    return x, y, inputs


async def watch_job(context: Context, id: str, request: WatchJobRequest) -> Frames:
    """Stream the job's events after a cursor, by default after a snapshot.

    Raises `NotFound`, `InvalidArgument`.
    """
    return await context.hub.watch(id, context.owner, request.after, job_events(reply))


def reply(row: JobWithSpec) -> Job:
    """Return the reply for a row of the store."""
    spec = TrainingSpec.model_validate_json(row.spec)
    divergence = None if row.divergence is None else Divergence(**json.loads(row.divergence))
    latest = None if row.latest is None else EpochRow.model_validate_json(row.latest)
    compared = baselines.load(row.baselines)
    return Job(
        id=row.id,
        state=row.state,
        stop_reason=row.stop_reason,
        detail=row.detail,
        divergence=divergence,
        warning=baselines.warning(row.state, spec.loss, compared, row.best_loss),
        baselines=compared,
        spec=spec,
        forked_from=forked_from(spec),
        epoch=row.epoch,
        latest=latest,
        parameters=row.parameters,
        samples=row.samples,
        flops=row.flops,
        attempt=row.attempt,
        seq=row.last_seq,
        created_at=timestamp(row.created_at),
        started_at=timestamp(row.started_at),
        finished_at=timestamp(row.finished_at),
    )
