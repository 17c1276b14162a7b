"""Renew the lease of a job while this process works on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import copy_context
from threading import Event, Thread

import structlog

from epochal_service.errors import Unavailable
from epochal_service.jobs import lifecycle
from epochal_service.jobs.lifecycle import Claim
from epochal_service.store import Database

logger = structlog.get_logger(__name__)

RENEWALS_PER_LEASE = 5
"""A lease outlives this many renewals that fail, less one."""


@contextmanager
def heartbeat(database: Database, claim: Claim, lease_seconds: float) -> Iterator[None]:
    """Renew the lease of the claim from a thread until the block ends.

    Preparing a job, or one epoch, may take longer than a lease. The thread stops with its process,
    and ends when another worker has the job.
    """
    ended = Event()

    def renew() -> None:
        while not ended.wait(lease_seconds / RENEWALS_PER_LEASE):
            try:
                if not lifecycle.renew(database, claim, lease_seconds):
                    return
            except (Unavailable, MemoryError) as error:
                logger.warning("lease_not_renewed", job=claim.id, error=str(error))

    # A copy of the context: log lines have the id of the request there.
    thread = Thread(target=copy_context().run, args=(renew,), name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
