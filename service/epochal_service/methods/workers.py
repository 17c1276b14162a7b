"""The workers of the service, for its operators."""

from __future__ import annotations

from datetime import datetime
from typing import cast

from ..specs.base import timestamp
from ..specs.workers import Worker, Workers
from ..store import Access, workers
from ..store.workers import WorkerRow
from .context import Context


def list_workers(context: Context) -> Workers:
    """Return all processes that train jobs. A worker is lost if it was not seen for a minute."""
    with context.database.read() as connection:
        rows = workers.all_workers(connection)
    return Workers(workers=[_reply(row, context.access) for row in rows])


def _reply(row: WorkerRow, access: Access) -> Worker:
    readable = [job.id for job in row.jobs if job.owner in access.readable]
    return Worker(
        id=row.id,
        state=row.state,
        host=row.host,
        pid=row.pid,
        version=row.version,
        job=readable[0] if readable else None,
        jobs=readable,
        started_at=cast(datetime, timestamp(row.started_at)),
        seen_at=cast(datetime, timestamp(row.seen_at)),
    )
