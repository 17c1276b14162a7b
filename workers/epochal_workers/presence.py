"""Tell the database that this worker lives, with its counters, so that operators see it."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import version
from threading import Event, Thread

import structlog

from epochal_service.errors import Unavailable
from epochal_service.store import Connection, Database, counters, workers
from epochal_service.store.database import new_id

from .tally import Tally

logger = structlog.get_logger(__name__)

BEAT_SECONDS = 10.0
"""A worker counts as lost after six of these."""


class Presence:
    """A thread that records every few seconds that this process lives.

    It stops with its process. The next beat writes rows that could not be written; the counts of
    the last seconds are lost if the process is killed.
    """

    def __init__(self, database: Database, tally: Tally) -> None:
        self.worker_id = new_id("worker")
        self._database = database
        self._tally = tally
        self._ended = Event()
        self._thread = Thread(target=self._run, name="presence", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while True:
            try:
                self._beat()
            except (Unavailable, MemoryError) as error:
                logger.warning("worker_not_recorded", worker=self.worker_id, error=str(error))
            if self._ended.wait(BEAT_SECONDS):
                return

    def _beat(self) -> None:
        with self._writing_counts() as connection:
            workers.put(
                connection,
                id=self.worker_id,
                host=socket.gethostname(),
                pid=os.getpid(),
                version=version("epochal-server"),
            )

    @contextmanager
    def _writing_counts(self) -> Iterator[Connection]:
        amounts = self._tally.take()
        try:
            with self._database.write() as connection:
                counters.add(connection, amounts)
                yield connection
        except BaseException:
            self._tally.add_all(amounts)
            raise

    def end(self) -> None:
        """Delete the record: the process is about to exit."""
        self._ended.set()
        self._thread.join()
        with suppress(Unavailable), self._writing_counts() as connection:
            workers.delete(connection, self.worker_id)
