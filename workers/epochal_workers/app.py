"""The Celery side: a task, "try to claim this job", and a worker that knows when it has to go."""

from __future__ import annotations

import mmap
import os
import signal
from typing import Any

from celery import signals

from epochal_service.jobs.queue import NOWHERE, TASK, Queue, celery_application
from epochal_service.settings import Settings
from epochal_service.store import Database
from epochal_service.tether import die_with_parent

from .run import Workshop, run

settings = Settings()
celery = celery_application(settings.broker_url or NOWHERE)

# A step that takes longer, or a child that is stopped, is killed with its worker: its job goes on
# from its last checkpoint elsewhere, as after any other loss.
LEAVE_SECONDS = 4.5

_parent = os.getpid()
# One byte that parent and children share: the parent sets it, and every child sees it between two
# epochs.
_leaving = mmap.mmap(-1, 1)
_shop: Workshop | None = None


@celery.task(name=TASK)
def train(job_id: str) -> None:
    """Try to claim the job; harmless if it is running elsewhere, over, or unknown."""
    assert _shop is not None
    run(_shop, job_id)


@signals.worker_process_init.connect
def _open(**kwargs: Any) -> None:
    # A child holds its own connections, and never outlives its parent: a job's lease would keep
    # others from it.
    global _shop
    die_with_parent(_parent)
    _shop = Workshop(
        settings, Database(settings.database_url, pool_size=2), Queue(settings.broker_url), leaving
    )


@signals.worker_shutting_down.connect
def _leave(**kwargs: Any) -> None:
    _leaving[0] = 1
    # Nobody handles this signal, and it ends the process; the kernel ends the children with it.
    signal.setitimer(signal.ITIMER_REAL, LEAVE_SECONDS)


def leaving() -> bool:
    """Whether this worker has been told to go."""
    return _leaving[0] != 0
