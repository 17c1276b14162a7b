"""The method that changes a training while it runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from time import monotonic, sleep
from typing import Any

from ..admission.price import price_of
from ..errors import FieldError, InvalidArgument
from ..jobs import changes, quotas
from ..preparation.changes import at_epoch, with_change
from ..preparation.prepare import prepare
from ..specs.changes import changed, spec_after
from ..specs.jobs import ChangeTrainingRequest, TrainingChange
from ..specs.limits import in_bytes
from ..specs.training import ChangedTrainingSpec, TrainingSpec
from ..store import Access, Connection
from ..store import changes as requests
from ..store.jobs import JobWithSpec
from .context import Context

WAIT_SECONDS = 0.3
"""How long a request waits for the worker to make the change."""
POLL_SECONDS = 0.01
MEMORY_GROWTH = 1.5
"""A running job may grow by this factor: its worker lets it allocate as much."""


def change_training(context: Context, id: str, request: ChangeTrainingRequest) -> TrainingChange:
    """Change a job that has not ended. The change takes effect after the epoch that is being
    trained, or after the next steps of a long one, and becomes one of the `changes` of the job's
    spec: the same spec gives the same results. The optimizer keeps its moments if its type stays.
    The `pace` changes no result.

    Raises `NotFound`; `Conflict` if the job has ended; `InvalidArgument` for settings that do not
    fit the job, or exceed a limit; `QuotaExceeded`.
    """

    def prepare_changes(
        row: JobWithSpec, spec: TrainingSpec, made: Sequence[ChangedTrainingSpec]
    ) -> changes.Check:
        if _stays_prepared(spec, made):
            return lambda connection, row: {}
        limits = context.settings.limits
        before = at_epoch(prepare(context.database, spec, Access(row.owner), limits, stored=True))
        after = before
        for change in made:
            after = with_change(after, change, limits)
        price = price_of(after, context.settings)
        if row.memory_bytes is not None and price.memory_bytes > MEMORY_GROWTH * row.memory_bytes:
            text = (
                f"makes the job need {in_bytes(price.memory_bytes)} of memory, and its worker "
                f"reckons with {in_bytes(row.memory_bytes)}: fork the job instead"
            )
            has_more = after.cost.samples > before.cost.samples
            field = "dataset" if has_more else "batch_size"
            raise InvalidArgument.of(FieldError(field, text), reason="limit_exceeded")

        def check(connection: Connection, row: JobWithSpec) -> Mapping[str, Any]:
            more = max(price.stored_bytes - row.stored_bytes, 0)
            if more > 0:
                name = "max_stored_bytes_per_owner"
                quotas.reserve(connection, context.settings.quotas, row.owner, name, more)
            values = {"flops": after.cost.flops, **price.values}
            return {**values, "stored_bytes": row.stored_bytes + more}

        return check

    waiting, made = changes.request(context.database, id, context.access, request, prepare_changes)
    context.queue.notify_watchers(id)
    if waiting is not None:
        made = _moment_of(context, waiting)
    epoch, step = made or (None, None)
    return TrainingChange(
        epoch=epoch, step=step, training=request.training or ChangedTrainingSpec()
    )


def _stays_prepared(spec: TrainingSpec, made: Sequence[ChangedTrainingSpec]) -> bool:
    """Return whether changes alter no price and need no data to be checked: options of the
    optimizer, and none. Raises `InvalidArgument` for options that do not fit.
    """
    if any(change.model_fields_set - {"optimizer"} for change in made):
        return False
    after = spec_after(spec)
    types = [after.optimizer.type]
    for change in made:
        after = changed(after, change)
        types.append(after.optimizer.type)
    return len({*types}) == 1


def _moment_of(context: Context, request_id: int) -> changes.Moment | None:
    """Return the moment that a request takes effect, once the worker has made the change."""
    until = monotonic() + WAIT_SECONDS
    while True:
        with context.database.read() as connection:
            moment = requests.moment_of(connection, request_id)
        if moment is not None or monotonic() > until:
            return moment
        sleep(POLL_SECONDS)
