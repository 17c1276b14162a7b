"""The requests of users to change the jobs of this process, read for all of them at once.

With a query for each epoch of each job, a process that trains many watched jobs would spend more
time on it than on training.
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from contextlib import contextmanager
from time import perf_counter

from epochal_service.store import Database, changes


class Requests:
    """The jobs of a process that users want to change. For one thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._held: set[str] = set()
        self._waiting: Set[str] = frozenset()
        self._read_at = 0.0

    @contextmanager
    def followed(self, job_id: str) -> Iterator[None]:
        """Read the requests for the job, too, until the block ends."""
        if not self._held:  # a small job ends before it asks
            self._waiting, self._read_at = frozenset(), perf_counter()
        self._held.add(job_id)
        try:
            yield
        finally:
            self._held.discard(job_id)

    def waiting(self, seconds: float) -> Set[str]:
        """Return the jobs with requests that have not taken effect, as they were at most so many
        seconds ago.
        """
        now = perf_counter()
        if now - self._read_at > seconds:
            self._read_at = now  # not at once again if the database is away
            with self._database.read() as connection:
                self._waiting = changes.waiting(connection, self._held)
        return self._waiting
