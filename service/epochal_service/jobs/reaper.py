"""Finds what was lost: jobs whose worker is silent, and queued jobs of which no worker knows."""

from __future__ import annotations

import structlog

from ..store import Database, jobs
from . import lifecycle
from .queue import Queue

logger = structlog.get_logger(__name__)

HINT_AFTER_SECONDS = 2.0


def reap(database: Database, queue: Queue, *, max_attempts: int) -> None:
    """One round. Many may run it at once: every step is conditional on what it found."""
    with database.read() as connection:
        late = jobs.expired(connection)
    for row in late:
        became = lifecycle.take_back(database, row.id, max_attempts=max_attempts)
        if became is not None:
            logger.warning("lease ran out", job=row.id, attempt=row.attempt, became=became)
            queue.ring(row.id)
    hint_again(database, queue)


def hint_again(database: Database, queue: Queue) -> None:
    """Tell the workers of queued jobs once more, if every hint there was has been taken.

    While hints wait in the broker, workers are merely busy, and more of them would say nothing new.
    """
    with database.read() as connection:
        ids = jobs.unhinted(connection, HINT_AFTER_SECONDS)
    if not ids or queue.waiting() != 0:
        return
    told = [job_id for job_id in ids if queue.hint(job_id)]
    if told:
        with database.write() as connection:
            jobs.hinted(connection, told)
