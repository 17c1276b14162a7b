"""Tell the database that this worker lives, so that operators see it."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from importlib.metadata import version
from threading import Event, Thread

import structlog

from epochal_service.errors import Unavailable
from epochal_service.store import Database, workers
from epochal_service.store.database import new_id

logger = structlog.get_logger(__name__)

BEAT_SECONDS = 10.0
"""A worker counts as lost after six of these."""


class Presence:
    """A thread that records every few seconds that this process lives.

    It stops with its process. A row that could not be written is written by the next beat.
    """

    def __init__(self, database: Database) -> None:
        self.worker_id = new_id("worker")
        self._database = database
        self._ended = Event()
        self._thread = Thread(target=self._run, name="presence", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while True:
            try:
                self._beat()
            except Unavailable as error:
                logger.warning("worker_not_recorded", worker=self.worker_id, error=str(error))
            if self._ended.wait(BEAT_SECONDS):
                return

    def _beat(self) -> None:
        with self._database.write() as connection:
            workers.put(
                connection,
                id=self.worker_id,
                host=socket.gethostname(),
                pid=os.getpid(),
                version=version("epochal-server"),
            )

    def end(self) -> None:
        """Delete the record: the process is about to exit."""
        self._ended.set()
        self._thread.join()
        with suppress(Unavailable), self._database.write() as connection:
            workers.delete(connection, self.worker_id)
