"""A turnstile before SQLite's lock of writers, which has no queue.

    threads of a process ──one──> turnstile: a lock of the folder ──one──> BEGIN IMMEDIATE

A writer that waits for SQLite's lock tries again after 1, 2, 5, … and at last 100 ms. The longest
waiting writer tries least often, and a process that writes all the time is nearly always first: a
worker beside a busy API waited for seconds. The writer in the turnstile is the next one; no later
writer overtakes it.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from sqlite3 import SQLITE_BUSY, Error, OperationalError
from threading import Lock
from time import monotonic, sleep
from typing import Any

TRY_SECONDS = 0.001
STALLED_SECONDS = 1.0
"""Pass a process that stays in the turnstile for so long: it may be stopped."""


class Turnstile:
    """The turnstile of one process before a database file. Thread-safe."""

    def __init__(self, database: str | None) -> None:
        self._folder = Path(database).parent if database else None
        self._descriptor: int | None = None
        self._threads = Lock()

    def begin(self, driver: Any, seconds: float) -> bool:
        """Begin a write transaction of a connection that has no busy timeout.

        Return False if it cannot begin within the time limit.
        """
        deadline = monotonic() + seconds
        if not self._threads.acquire(timeout=seconds):
            return False
        try:
            with self._entered():
                while not _has_begun(driver):
                    if monotonic() > deadline:
                        return False
                    sleep(TRY_SECONDS)
                return True
        except Error:
            return False
        finally:
            self._threads.release()

    @contextmanager
    def _entered(self) -> Iterator[None]:
        """Lock the folder of the database against other processes, which have a turnstile too."""
        if self._descriptor is None and self._folder is not None:
            # Not a file of SQLite: closing it would release the locks that SQLite has on it.
            with suppress(OSError):
                self._descriptor = os.open(self._folder, os.O_RDONLY)
        descriptor, until = self._descriptor, monotonic() + STALLED_SECONDS
        if descriptor is None:
            yield
            return
        while not (is_locked := _has_locked(descriptor)) and monotonic() < until:
            sleep(TRY_SECONDS)
        try:
            yield
        finally:
            if is_locked:
                fcntl.flock(descriptor, fcntl.LOCK_UN)

    def close(self) -> None:
        """Close the folder."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _has_begun(driver: Any) -> bool:
    try:
        driver.execute("BEGIN IMMEDIATE").close()
    except OperationalError as error:
        if error.sqlite_errorcode & 0xFF == SQLITE_BUSY:
            return False
        raise
    return True


def _has_locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
