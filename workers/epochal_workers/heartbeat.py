"""Renew the leases of the jobs that this process holds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Lock, Thread

import structlog

from epochal_service.errors import Unavailable
from epochal_service.jobs import lifecycle
from epochal_service.jobs.lifecycle import Claim
from epochal_service.store import Database

logger = structlog.get_logger(__name__)

RENEWALS_PER_LEASE = 5
"""A lease outlives this many renewals that fail, less one."""


class Heartbeat:
    """A thread that renews the leases of the claims that this process holds.

    Preparing a job, or one epoch, may take longer than a lease. The thread stops with its process.
    Jobs that follow each other share one thread, since a small job takes no longer than to start
    another. It ends when no job came for as long as the time between two renewals.
    """

    def __init__(self, database: Database, lease_seconds: float) -> None:
        self._database = database
        self._lease_seconds = lease_seconds
        self._claims: dict[str, Claim] = {}
        self._lock = Lock()
        self._closed = Event()
        self._thread: Thread | None = None

    @contextmanager
    def renewing(self, claim: Claim) -> Iterator[None]:
        """Renew the lease of the claim until the block ends, or another worker has the job."""
        with self._lock:
            self._claims[claim.id] = claim
            # After an unexpected exception it is there, and not alive.
            if self._thread is None or not self._thread.is_alive():
                self._thread = Thread(target=self._run, name="heartbeat", daemon=True)
                self._thread.start()
        try:
            yield
        finally:
            with self._lock:
                if self._claims.get(claim.id) is claim:
                    del self._claims[claim.id]

    def _run(self) -> None:
        while not self._closed.wait(self._lease_seconds / RENEWALS_PER_LEASE):
            with self._lock:
                if not self._claims:
                    self._thread = None
                    return
                claims = [*self._claims.values()]
            for claim in claims:
                with self._lock:  # no claim is renewed after it has ended
                    if claim.id in self._claims:
                        self._renew(claim)

    def close(self) -> None:
        """End the thread."""
        self._closed.set()
        thread = self._thread
        if thread is not None:
            thread.join()

    def _renew(self, claim: Claim) -> None:
        try:
            if not lifecycle.renew(self._database, claim, self._lease_seconds):
                del self._claims[claim.id]
        except (Unavailable, MemoryError) as error:
            logger.warning("lease_not_renewed", job=claim.id, error=str(error))
