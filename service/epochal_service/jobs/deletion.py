"""Delete jobs in two steps: for all readers at once, and their rows a few at a time.

A job may have gigabytes of epochs and checkpoints. To delete them in one transaction would keep all
others from writing for seconds.

    DELETE or expiry ──> hidden: no method finds the job ──a few rows per transaction──> nothing

After a crash the remaining rows still belong to a hidden job, and the next reaper continues.
"""

from __future__ import annotations

from time import perf_counter, sleep

import structlog

from ..specs.jobs import TERMINAL
from ..store import Database, jobs, orphans

logger = structlog.get_logger(__name__)

HELD_SECONDS = 0.015
"""After so long, a transaction that deletes rows commits."""
ROUND_SECONDS = 1.0
"""The longest purge between two rounds of the reaper."""
MAX_EXPIRED = 100  # jobs that one transaction hides
MAX_ORPHANS = 16  # rows that one transaction deletes


def expiry(ttl_seconds: int | None, default: float | None) -> float | None:
    """Return the seconds from the end of a job to its deletion; None: it is not deleted."""
    return default if ttl_seconds is None else ttl_seconds or None


def delete_expired(database: Database) -> None:
    """Delete jobs that have expired for all readers."""
    while True:
        with database.read() as connection:
            ids = jobs.outlived(connection, MAX_EXPIRED)
        if not ids:
            return
        with database.write() as connection:
            jobs.hide_outlived(connection, ids)
        logger.info("expired_jobs_deleted", jobs=ids)


def find_orphans(database: Database) -> dict[str, int]:
    """Return the number of rows that belong to nothing, by the kind of the defect."""
    with database.read() as connection:
        return orphans.find(connection, [*TERMINAL])


def delete_orphans(database: Database) -> None:
    """Delete the rows that belong to nothing, a few at a time."""
    more = True
    while more:
        with database.write() as connection:
            more = orphans.delete_some(connection, [*TERMINAL], MAX_ORPHANS)


def purge(database: Database, seconds: float) -> None:
    """Delete rows of deleted jobs until none remain, for at most about some seconds.

    Between two transactions others get as long to write as each of them took.
    """
    began = perf_counter()
    while perf_counter() - began < seconds:
        with database.read() as connection:
            if not jobs.any_hidden(connection):
                return
        with database.write() as connection:
            locked = perf_counter()
            while jobs.delete_some(connection) and perf_counter() - locked < HELD_SECONDS:
                pass
        sleep(perf_counter() - locked)
