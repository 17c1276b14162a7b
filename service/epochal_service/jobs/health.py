"""Whether the service can work: its database, the room on its disk, its workers, its broker."""

from __future__ import annotations

from threading import Lock
from time import monotonic

from ..errors import Unavailable
from ..specs.system import Component, Health
from ..store import Database, workers
from .queue import Queue

CHECK_SECONDS = 1.0
"""The database is checked at most so often: everybody may call the methods."""


class HealthCheck:
    """The checks of one process. Thread-safe."""

    def __init__(self, database: Database, queue: Queue, min_free_bytes: int) -> None:
        self._database = database
        self._queue = queue
        self._min_free_bytes = min_free_bytes
        self._lock = Lock()
        self._checked: list[Component] = []
        self._checked_at = 0.0

    def check(self) -> Health:
        """Return whether requests are served: `down` if the database cannot be written, `degraded`
        if its disk is almost full, no worker was seen for a minute, or the broker is away.
        """
        with self._lock:
            if not self._checked or monotonic() - self._checked_at > CHECK_SECONDS:
                self._checked = self._check_database()
                self._checked_at = monotonic()
            components = [*self._checked, self._check_broker()]
        worst = max(components, key=lambda c: ("ok", "degraded", "down").index(c.status))
        return Health(status=worst.status, components=components)

    def _check_database(self) -> list[Component]:
        try:
            with self._database.write() as connection:
                # A statement that writes fails on a database that can only be read.
                workers.delete_forgotten(connection)
                room = self._database.room(connection)
                has_worker = workers.any_alive(connection)
        except Unavailable as error:
            return [Component(name="database", status="down", detail=error.detail)]
        components = [Component(name="database", status="ok")]
        if room is not None:
            detail = f"the database can grow by {room} bytes only; free some space on its disk"
            enough = room >= self._min_free_bytes
            components.append(_component("disk", enough, detail))
        detail = "no worker was seen for a minute; jobs are accepted and wait for one"
        return [*components, _component("workers", has_worker, detail)]

    def _check_broker(self) -> Component:
        detail = "jobs are accepted and start when the broker is available again"
        return _component("broker", self._queue.pending() is not None, detail)


def _component(name: str, ok: bool, detail: str) -> Component:
    if ok:
        return Component(name=name, status="ok")
    return Component(name=name, status="degraded", detail=detail)
