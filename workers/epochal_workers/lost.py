"""The job of a child process that died because there was no memory.

A library that gets no memory may abort its process. The kernel kills a process when a machine or a
container has no memory left, and counts that. The worker ends the job of such a child: another
attempt would need as much. If the child held several jobs, each is trained alone from then on. A
child that dies for another reason is replaced, and its jobs continue from their resume points.
"""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from pathlib import Path

import structlog

from epochal_service.errors import Unavailable
from epochal_service.jobs import lifecycle
from epochal_service.jobs.lifecycle import HELD, Claim, Progress
from epochal_service.store import Database, jobs, workers
from epochal_service.store.workers import WorkerRow

from .memory import out_of_memory

logger = structlog.get_logger(__name__)


class LostChildren:
    """Ends the jobs of children that died because there was no memory."""

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url
        self._kills = count_kills()

    def end_jobs(self, reason: str) -> None:
        """End the jobs of dead children if memory was the reason, a text with a signal's name."""
        before, self._kills = self._kills, count_kills()
        if "SIGABRT" in reason:
            cause = "A library got no memory and aborted the worker process"
        elif "SIGKILL" in reason and self._kills > before:
            cause = "The system had no memory left and killed the worker process"
        else:
            return
        database = Database(self._database_url, pool_size=1)
        try:
            with database.read() as connection:
                rows = workers.all_workers(connection)
            for row in filter(_is_dead_child, rows):
                _end_jobs(database, row, cause)
        except Unavailable as error:  # the lease expires, and another worker tries
            logger.warning("job_not_ended", reason=reason, error=str(error))
        finally:
            database.close()


def _is_dead_child(row: WorkerRow) -> bool:
    if row.host != socket.gethostname() or not row.jobs:
        return False
    try:
        os.kill(row.pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def _end_jobs(database: Database, worker: WorkerRow, cause: str) -> None:
    """End the job of a dead child. If it held several, any of them may have needed the memory: once
    their leases have expired, each is trained alone.
    """
    for held in worker.jobs:
        with database.read() as connection:
            job = jobs.find(connection, held.id)
        if job is None or job.worker_id != worker.id or job.state not in HELD:
            continue
        if len(worker.jobs) > 1:
            lifecycle.suspect(database, Claim(job))
            continue
        ending = out_of_memory(job.memory_bytes, cause)
        ended = lifecycle.end(database, Claim(job), Progress(), ending)
        logger.warning("out_of_memory", job=job.id, worker=worker.id, ended=ended)


def count_kills() -> int:
    """Return how many processes the kernel has killed because there was no memory left.

    0 where it does not say.
    """
    # The memory of the container, or of the machine.
    for path in (Path("/sys/fs/cgroup/memory.events"), Path("/proc/vmstat")):
        with suppress(OSError):
            for line in path.read_text().splitlines():
                name, _, number = line.partition(" ")
                if name == "oom_kill":
                    return int(number)
    return 0
