"""Leases by the monotonic clock of this process, beside the clock of the database.

The clock of the database decides when a lease expires. If somebody sets it back by an hour, the
lease of a dead worker lasts an hour longer. A monotonic clock cannot be set back: a lease that
nobody has renewed for as long as a lease lasts has expired, whatever the time is.
"""

from __future__ import annotations

from collections.abc import Mapping
from time import monotonic

import structlog

from ..store import Database, jobs
from . import lifecycle
from .queue import Queue

logger = structlog.get_logger(__name__)


class Leases:
    """How long this process has seen each lease without a renewal."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._seen: dict[str, tuple[float, float]] = {}

    def reclaim(self, database: Database, queue: Queue, *, max_attempts: int) -> None:
        """Take jobs from workers that do not renew their leases."""
        with database.read() as connection:
            unrenewed = self.unrenewed(jobs.leases(connection))
        for job_id, expires_at in unrenewed.items():
            state = lifecycle.reclaim(
                database, job_id, max_attempts=max_attempts, unrenewed=expires_at
            )
            if state is not None:
                logger.warning("lease_expired", job=job_id, state=state)
                queue.notify_watchers(job_id)

    def unrenewed(self, leases: Mapping[str, float]) -> dict[str, float]:
        """Return those leases, by their jobs, that did not change for longer than a lease lasts."""
        now, seen = monotonic(), self._seen
        self._seen = {}
        for job_id, expires_at in leases.items():
            known = seen.get(job_id)
            unchanged = known is not None and known[0] == expires_at
            self._seen[job_id] = known if known and unchanged else (expires_at, now)
        return {
            job_id: expires_at
            for job_id, (expires_at, since) in self._seen.items()
            if now - since > self._seconds
        }
