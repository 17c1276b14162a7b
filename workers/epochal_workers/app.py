"""The Celery side: one task, "there is work", and the shutdown of a worker."""

from __future__ import annotations

import mmap
import os
import signal
from functools import partial
from threading import Thread
from typing import Any

from billiard.exceptions import WorkerLostError
from celery import signals

from epochal_engine import choose_engine
from epochal_service.jobs import figures
from epochal_service.jobs.queue import NO_BROKER, TASK, Queue, celery_application
from epochal_service.settings import Settings
from epochal_service.store import Database

from .calibration import calibrate
from .context import WorkerContext
from .lost import LostChildren
from .presence import Presence
from .scheduler import take_turns
from .tally import Tally

settings = Settings()
celery = celery_application(settings.broker_url or NO_BROKER)
celery.conf.worker_pool = "epochal_workers.pool:Pool"

# A child that takes longer, or is stopped, is killed with its worker. Another worker continues its
# job from the last resume point, as after any other loss.
SHUTDOWN_SECONDS = 4.5

_parent = os.getpid()
# One byte that parent and children share: the parent sets it, and children read it between epochs.
_stopping = mmap.mmap(-1, 1)
_lost_children = LostChildren(settings.database_url)
_context: WorkerContext | None = None
_presence: Presence | None = None


@celery.task(name=TASK)
def train(job_id: str) -> None:
    """Train jobs in turn. The message says only that there is work."""
    assert _context is not None
    take_turns(_context, job_id)


@signals.worker_process_init.connect
def _open_context(**kwargs: Any) -> None:
    # A child has its own connections. Celery lets it die with its parent: otherwise it would keep
    # renewing the lease of its job.
    global _context, _presence
    choose_engine(settings.engine)
    database = Database(settings.database_url, pool_size=2)
    tally = Tally()
    _presence = Presence(database, tally)
    queue = Queue(settings.broker_url, partial(tally.add, figures.WORKER_WAKEUPS_LOST))
    _context = WorkerContext(settings, database, queue, stopping, _presence.worker_id, tally)
    # A first start takes a second for it, in which jobs can be trained.
    Thread(target=calibrate, args=(database,), name="calibration", daemon=True).start()


@signals.task_failure.connect
def _end_job_of_lost_child(exception: BaseException | None = None, **kwargs: Any) -> None:
    # In the parent, to which Celery reports the death of a child as a failure of its task.
    if isinstance(exception, WorkerLostError) and os.getpid() == _parent:
        _lost_children.end_jobs(str(exception))


@signals.worker_shutting_down.connect
def _stop(**kwargs: Any) -> None:
    _stopping[0] = 1
    # No handler is installed for this signal, so it ends the process; the kernel then ends the
    # children.
    signal.setitimer(signal.ITIMER_REAL, SHUTDOWN_SECONDS)


@signals.worker_process_shutdown.connect
def _exit_at_once(exitcode: int, **kwargs: Any) -> None:
    if _presence is not None:
        _presence.end()
    # Celery would let a child that has nothing left to do sleep for a second.
    if stopping():
        os._exit(exitcode)


def stopping() -> bool:
    """Return whether this worker was asked to stop."""
    return _stopping[0] != 0
