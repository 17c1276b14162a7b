"""Sweeps: made, asked about, cancelled, watched."""

from __future__ import annotations

from contextlib import closing

from ..errors import InvalidArgument
from ..jobs import lifecycle, sweeps
from ..jobs.follow import Frames
from ..specs.base import timestamp
from ..specs.datasets import UploadedDataset
from ..specs.sweeps import (
    CreateSweepOptions,
    GetSweepCurvesRequest,
    ListSweepsRequest,
    Member,
    Sweep,
    SweepCurves,
    SweepPage,
    SweepSpec,
    ValidatedSweep,
    WatchSweepRequest,
)
from ..store import Connection, jobs
from ..store.jobs import JobWithSpec
from .context import Context
from .fingerprints import fingerprint
from .pages import before, cut, page_size


def create_sweep(
    context: Context, spec: SweepSpec, options: CreateSweepOptions
) -> Sweep | ValidatedSweep:
    """Queue a sweep. The same `request_id` with the same spec gives the one that it made before.

    Raises `InvalidArgument` for a spec that cannot be trained, `IdempotencyMismatch`.
    """
    request_fingerprint = fingerprint(spec)
    limits = context.settings.limits
    prepared = sweeps.prepare_sweep(context.database, spec, context.owner, limits)
    spec, job, price = prepared.spec, prepared.job.spec, prepared.price
    if options.validate_only:
        return ValidatedSweep(
            spec=spec,
            parameters=price.parameters,
            samples=price.samples,
            flops=price.flops,
        )
    try:
        row, new = lifecycle.submit(
            context.database,
            owner=context.owner,
            values={
                "spec": spec.model_dump_json(),
                "dataset_id": job.dataset.id if isinstance(job.dataset, UploadedDataset) else None,
                "parameters": price.parameters,
                "samples": price.samples,
                "flops": price.flops,
            },
            labels=job.labels,
            request_id=options.request_id,
            fingerprint=request_fingerprint,
            kind="sweep",
        )
    except InvalidArgument as error:  # of the data set, which is the job's
        raise sweeps.within_job(error) from None
    if new:
        context.queue.hint(row.id)
    return _told(context, row)


def get_sweep(context: Context, id: str) -> Sweep:
    """The sweep as it is now, with its members. Raises `NotFound`."""
    with context.database.read() as connection:
        return _with_members(connection, lifecycle.find(connection, id, context.owner, "sweep"))


def list_sweeps(context: Context, request: ListSweepsRequest) -> SweepPage:
    """Sweeps, newest first, without their members."""
    size = page_size(request.page_size)
    key, equals, value = (request.label or "").partition("=")
    with context.database.read() as connection:
        found = jobs.page(
            connection,
            context.owner,
            size=size + 1,
            before=before(request.page_token, "sweep"),
            states=() if request.state is None else (request.state,),
            label=(key, value if equals else None) if request.label else None,
            kind="sweep",
        )
        with closing(found):
            page, token = cut(found, size, lambda row: len(row.spec))
    return SweepPage(sweeps=[reply(row, []) for row in page], next_page_token=token)


def delete_sweep(context: Context, id: str) -> None:
    """Remove an ended sweep with all that it left. Raises `NotFound`, `Conflict`."""
    lifecycle.delete(context.database, id, context.owner, "sweep")


def cancel_sweep(context: Context, id: str) -> Sweep:
    """Ask the sweep to stop. Raises `NotFound`, `Conflict`."""
    row = lifecycle.cancel(context.database, id, context.owner, "sweep")
    context.queue.ring(row.id)
    return _told(context, row)


def get_sweep_curves(context: Context, id: str, request: GetSweepCurvesRequest) -> SweepCurves:
    """One metric of every member in few points. Raises `NotFound`."""
    with context.database.read() as connection:
        lifecycle.find(connection, id, context.owner, "sweep")
        return sweeps.reduced_curves(connection, id, request.metric, request.max_points)


async def watch_sweep(context: Context, id: str, request: WatchSweepRequest) -> Frames:
    """The sweep's events, from a cursor or a snapshot on. Raises `NotFound`, `InvalidArgument`."""
    telling = sweeps.telling_of_sweeps(_with_members)
    return await context.hub.watch(id, context.owner, request.after, telling)


def _told(context: Context, row: JobWithSpec) -> Sweep:
    with context.database.read() as connection:
        return _with_members(connection, row)


def _with_members(connection: Connection, row: JobWithSpec) -> Sweep:
    spec = SweepSpec.model_validate_json(row.spec)
    losses = sweeps.curves(connection, row.id, "train_loss")
    return reply(row, sweeps.members(spec, sweeps.read_progress(spec, row.latest), losses))


def reply(row: JobWithSpec, members: list[Member]) -> Sweep:
    """A row of the store as the API tells it."""
    return Sweep(
        id=row.id,
        state=row.state,
        stop_reason=row.stop_reason,
        detail=row.detail,
        spec=SweepSpec.model_validate_json(row.spec),
        epoch=row.epoch,
        members=members,
        parameters=row.parameters,
        samples=row.samples,
        flops=row.flops,
        attempt=row.attempt,
        seq=row.last_seq,
        created_at=timestamp(row.created_at),
        started_at=timestamp(row.started_at),
        finished_at=timestamp(row.finished_at),
    )
