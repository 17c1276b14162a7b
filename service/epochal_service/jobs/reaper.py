"""Find what was lost: jobs with an expired lease, queued jobs without a notification, uploads."""

from __future__ import annotations

import structlog

from ..store import Database, experiments, jobs, keys, uploads, workers
from . import lifecycle
from .queue import Queue

logger = structlog.get_logger(__name__)

NOTIFY_AFTER_SECONDS = 2.0


def reap(
    database: Database, queue: Queue, *, max_attempts: int, max_running: int | None = None
) -> None:
    """Run one round. Concurrent rounds are safe: every step is conditional on the state it read."""
    with database.read() as connection:
        expired = jobs.expired(connection)
    for row in expired:
        state = lifecycle.reclaim(database, row.id, max_attempts=max_attempts)
        if state is not None:
            logger.warning("lease_expired", job=row.id, attempt=row.attempt, state=state)
            queue.notify_watchers(row.id)
    notify_again(database, queue, max_running)


def notify_again(database: Database, queue: Queue, max_running: int | None) -> None:
    """Notify workers of queued jobs again, unless messages are pending in the broker.

    Pending messages mean that workers are busy, not that messages were lost. Nor are they if every
    owner with queued jobs has `max_running` running ones.
    """
    with database.read() as connection:
        if jobs.next_queued(connection, max_running) is None:
            return
        ids = jobs.unnotified(connection, NOTIFY_AFTER_SECONDS)
    if not ids or queue.pending() != 0:
        return
    notified = [job_id for job_id in ids if queue.send_to_workers(job_id)]
    if notified:
        with database.write() as connection:
            jobs.mark_notified(connection, notified)


def delete_abandoned(database: Database, seconds: float) -> None:
    """Delete the uploads that got no piece for some seconds, workers lost long ago, experiments
    without jobs, and old idempotency keys.
    """
    with database.write() as connection:
        workers.delete_forgotten(connection)
        keys.delete_old(connection)
        experiments.delete_empty(connection)
    with database.read() as connection:
        ids = uploads.abandoned(connection, seconds)
    if not ids:
        return
    for upload_id in ids:  # each in its own transaction: a file may be large
        with database.write() as connection:
            uploads.delete_abandoned(connection, upload_id, seconds)
    logger.info("uploads_deleted", uploads=ids)
