"""The method that streams the events of several jobs."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import closing
from typing import get_args

from ..errors import FieldError, InvalidArgument
from ..jobs import lifecycle
from ..specs.jobs import MAX_WATCHED, TERMINAL, JobState, WatchJobsRequest
from ..store import jobs as stored
from ..streams.follow import Frames, job_events
from ..streams.many import LEFT, Cursor, Many, settled_time
from . import jobs
from .context import Context
from .rows import parsed_label

Label = tuple[str, str | None]
NOT_ENDED = sorted({*get_args(JobState)} - TERMINAL)


async def watch_jobs(context: Context, request: WatchJobsRequest) -> Many:
    """Stream the events of several jobs: given ones, those with a label, or all of the caller.

    Each job starts with a snapshot, and leaves after its `end`. Jobs that are created later join
    within about a second, unless `jobs` names the jobs. A job that was deleted leaves with a `left`
    event. The stream counts as one, and continues after a `cursor` without a gap or a repetition.

    Raises `NotFound`, `InvalidArgument`.
    """
    if request.jobs and request.label is not None:
        raise InvalidArgument.of(FieldError("label", "must be absent beside jobs"))
    given = request.jobs

    label = parsed_label(request.label)

    def start() -> Cursor:
        if given:
            _require(context, given)
            return Cursor().joined(given)
        cursor = Cursor(settled_time()).joined(_not_ended(context, label))
        return cursor.joined(_newer(context, label, cursor.settled), LEFT)

    if request.after is None:
        cursor = await asyncio.to_thread(start)
    else:
        cursor = Cursor.parse(request.after, given)

    async def look(settled: str) -> list[str]:
        return await asyncio.to_thread(_newer, context, label, settled)

    async def open_job(job_id: str, after: int | None) -> Frames:
        return await context.hub.attach(
            job_id,
            context.access,
            after,
            job_events(jobs.reply),
            request.parameters,
            context.key,
            lambda: None,
        )

    on_close = context.hub.count(context.access.owner)
    return Many(cursor, open_job, None if given else look, context.hub.heartbeat_seconds, on_close)


def _require(context: Context, job_ids: Sequence[str]) -> None:
    """Raise `NotFound` unless the caller reaches all of the jobs."""
    with context.database.read() as connection:
        for job_id in job_ids:
            lifecycle.find(connection, job_id, context.access)


def _not_ended(context: Context, label: Label | None) -> list[str]:
    """Return the newest jobs with a label that have not ended, the oldest first."""
    with context.database.read() as connection:
        rows = stored.page(
            connection,
            context.access.owners,
            size=MAX_WATCHED,
            before=None,
            only=context.access,
            states=NOT_ENDED,
            label=label,
            basic=True,
        )
        with closing(rows):
            return sorted(row.id for row in rows)


def _newer(context: Context, label: Label | None, settled: str) -> list[str]:
    """Return the oldest jobs with a label that were created after a time, the oldest first."""
    access = context.access
    with context.database.read() as connection:
        return stored.newer_than(
            connection, access.owners, f"job_{settled}", MAX_WATCHED, only=access, label=label
        )
