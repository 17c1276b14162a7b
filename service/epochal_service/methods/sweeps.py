"""The methods of sweeps: create, read, update, cancel, watch."""

from __future__ import annotations

from ..errors import InvalidArgument
from ..experiments import sweeps
from ..jobs import lifecycle, naming, webhooks
from ..jobs.deletion import expiry
from ..preparation import baselines
from ..resources.datasets import uploaded_id
from ..specs.sweeps import (
    CreateSweepOptions,
    GetSweepCurvesRequest,
    ListSweepsRequest,
    Member,
    Sweep,
    SweepCurves,
    SweepPage,
    SweepSpec,
    UpdateSweepRequest,
    ValidatedSweep,
    WatchSweepRequest,
)
from ..store import Connection
from ..store.jobs import JobWithSpec
from ..streams.follow import Frames
from .context import Context
from .fingerprints import fingerprint
from .jobs import labeled
from .pages import page_size
from .rows import estimate_of, fields_of, page_of


def create_sweep(context: Context, spec: SweepSpec, options: CreateSweepOptions) -> Sweep:
    """Create and queue a sweep. The same `request_id` and spec return the sweep created before.

    Raises `InvalidArgument` for a spec that cannot be trained; `IdempotencyMismatch`;
    `QuotaExceeded` if too many jobs are queued, or all jobs store too much.
    """
    spec = spec.model_copy(update={"job": labeled(context, spec.job)})
    request_fingerprint = fingerprint(spec, *spec.job.webhooks)
    _check_webhooks(context, spec)
    limits = context.settings.limits
    prepared = sweeps.prepare_sweep(context.database, spec, context.access.without_members, limits)
    price = sweeps.price_of_sweep(prepared, context.settings)
    spec, job, cost = prepared.spec, prepared.job.spec, prepared.cost
    context.take_jobs(len(prepared.trainings))
    try:
        row, new = lifecycle.submit(
            context.database,
            owner=context.owner,
            quotas=context.settings.quotas,
            values={
                "spec": spec.model_dump_json(),
                "webhooks": webhooks.dump(job.webhooks),
                "priority": job.priority,
                "dataset_id": uploaded_id(job.dataset),
                "validation_dataset_id": uploaded_id(job.validation_dataset),
                "parameters": cost.parameters,
                "samples": cost.samples,
                "flops": cost.flops,
                "ttl_seconds": expiry(job.ttl_seconds, context.settings.job_ttl_seconds),
                **price.values,
            },
            labels=job.labels,
            request_id=options.request_id,
            fingerprint=request_fingerprint,
            kind="sweep",
        )
    except InvalidArgument as error:  # the data set of the job was deleted
        raise sweeps.within_job(error) from None
    if new:
        context.queue.notify_workers(row.id)
    return _reply(context, row)


def validate_sweep(context: Context, spec: SweepSpec) -> ValidatedSweep:
    """Check a sweep, estimate its cost, and fill in its defaults. Creates nothing.

    Raises `InvalidArgument` for a spec that cannot be trained.
    """
    _check_webhooks(context, spec)
    limits = context.settings.limits
    prepared = sweeps.prepare_sweep(context.database, spec, context.access.without_members, limits)
    price = sweeps.price_of_sweep(prepared, context.settings)
    return ValidatedSweep(
        spec=prepared.spec,
        **estimate_of(context, prepared.cost, price),
    )


def _check_webhooks(context: Context, spec: SweepSpec) -> None:
    try:
        webhooks.check(spec.job.webhooks, context.receivers)
    except InvalidArgument as error:
        raise sweeps.within_job(error) from None


def get_sweep(context: Context, id: str) -> Sweep:
    """Return the sweep with its members. Raises `NotFound`."""
    with context.database.read() as connection:
        return _with_members(connection, lifecycle.find(connection, id, context.access, "sweep"))


def list_sweeps(context: Context, request: ListSweepsRequest) -> SweepPage:
    """List sweeps, newest first, without their members."""
    size = page_size(request.page_size)
    with context.database.read() as connection:
        page, token = page_of(connection, context, request, "sweep", size)
    return SweepPage(sweeps=[reply(row, []) for row in page], next_page_token=token)


def update_sweep(context: Context, id: str, request: UpdateSweepRequest) -> Sweep:
    """Change the name and the labels of a sweep, which belong to its job, in any state. Training is
    not affected.

    Raises `NotFound`; `InvalidArgument` if it would have too many labels.
    """
    return _reply(context, naming.update(context.database, id, context.access, request, "sweep"))


def delete_sweep(context: Context, id: str) -> None:
    """Delete a sweep that has ended. Raises `NotFound`; `Conflict` if it has not ended."""
    lifecycle.delete(context.database, id, context.access, "sweep")


def cancel_sweep(context: Context, id: str) -> Sweep:
    """Cancel the sweep. Raises `NotFound`; `Conflict` if it has ended."""
    row = lifecycle.cancel(context.database, id, context.access, "sweep")
    context.queue.notify_watchers(row.id)
    return _reply(context, row)


def get_sweep_curves(context: Context, id: str, request: GetSweepCurvesRequest) -> SweepCurves:
    """Return the downsampled curves of one metric for all members. Raises `NotFound`."""
    with context.database.read() as connection:
        lifecycle.find(connection, id, context.access, "sweep")
        return sweeps.downsampled_curves(connection, id, request.metric, request.max_points)


async def watch_sweep(context: Context, id: str, request: WatchSweepRequest) -> Frames:
    """Stream the sweep's events after a cursor, by default after a snapshot.

    Raises `NotFound`, `InvalidArgument`.
    """
    events = sweeps.sweep_events(_with_members)
    return await context.hub.watch(id, context.access, request.after, events, key=context.key)


def _reply(context: Context, row: JobWithSpec) -> Sweep:
    with context.database.read() as connection:
        return _with_members(connection, row)


def _with_members(connection: Connection, row: JobWithSpec) -> Sweep:
    spec = SweepSpec.model_validate_json(row.spec)
    losses = sweeps.curves(connection, row.id, "train_loss")
    progress = sweeps.load_progress(spec, row.latest)
    compared = baselines.load(row.baselines)
    constant = None if compared is None else compared.constant
    return reply(row, sweeps.members(spec, progress, losses, constant))


def reply(row: JobWithSpec, members: list[Member]) -> Sweep:
    """Return the reply for a row of the store."""
    return Sweep(**fields_of(row), spec=SweepSpec.model_validate_json(row.spec), members=members)
