"""Train several jobs in one process, in slices: each owner in turn, and of an owner each job.

    message ── claim, first slice ──┐
                    ^               v
         every 0.1 s, until         owner, owner, … ── job, job, … ── a slice of 50 ms
         nothing is queued

No result depends on the order: a job has arrays and random streams for itself.
"""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from time import perf_counter, sleep

import structlog

from epochal_service.admission.memory import PROCESS_BYTES
from epochal_service.errors import Unavailable
from epochal_service.jobs.lifecycle import Claim
from epochal_service.store import jobs, workers
from epochal_service.store.jobs import JobRow, Queued

from .attempt import RELEASE
from .context import WorkerContext
from .run import Held, claim

MOST_HELD = 32
"""The number of jobs that a process holds."""
MOST_OF_OWNER = 16
"""The number of jobs of an owner that a process holds; the others leave room for other owners."""
SLICE_SECONDS = 0.05
ADMISSION_SECONDS = 0.2
"""For so long a process trains new jobs only, before the next slice of an earlier one."""
ASK_SECONDS = 0.1
"""How often a process that trains asks for another job."""
WAKE_SECONDS = 0.03
"""How often a process with nothing to train yet asks whether a user wants to change a job."""
STEP_SECONDS, MOST_STEPS = 0.05, 4
"""A process leaves a new job to others for a step for each job that it holds, but at most so many:
processes with fewer jobs come first."""
LOOK_SECONDS = 2.0
"""How often a process that holds several jobs, and finds none queued, looks for an idle one that it
can release a job to. It releases jobs that it has held for as long."""
MOST_LOST = 8
"""The number of lost jobs in a row after which a process waits for the next message."""
TURN_SECONDS = 60.0
"""After so long, a process takes another message as soon as it can. Celery then replaces a process
that has taken many."""
LONG_SECONDS = 2.0
"""A process does not wait for the end of a job that it has held for so long to take others."""

logger = structlog.get_logger(__name__)


def take_turns(context: WorkerContext, job_id: str) -> None:
    """Train jobs until none is queued and all have ended.

    To take a message for each would cost more than to train a small job, and the messages of jobs
    that waited for a quota are gone. `job_id` comes from the message.
    """
    Scheduler(context).run(job_id)


class Scheduler:
    """The jobs that a process holds."""

    def __init__(self, context: WorkerContext) -> None:
        self._context = context
        # The owners, and the jobs of each, in the order of their turns.
        self._held: dict[str, deque[Held]] = {}
        self._released: list[str] = []
        self._lost = 0
        self._ends_at = perf_counter() + TURN_SECONDS
        self._asks_at = 0.0
        self._looks_at = 0.0
        self._leaving: Held | None = None

    def run(self, job_id: str) -> None:
        """Train until no job is held and none can be claimed."""
        while self._admit() or self._held:
            if self._held:
                self._train_next()
        # At once, since this process is about to exit; none after one that could not be sent.
        all(map(self._context.queue.send_to_workers, self._released))
        if self._is_over():
            # The messages of the jobs that are still queued may be gone.
            self._context.queue.notify_workers(job_id)

    # ---------------------------------------------------------------------------------- slices

    def _train_next(self) -> None:
        now, stopping = perf_counter(), self._context.stopping()
        held = min(self._all(), key=lambda held: max(now, held.next_at))
        if held.next_at > now and not stopping:
            sleep(min(held.next_at - now, WAKE_SECONDS))
            self._wake()
            return
        runs = self._held.pop(held.job.owner)
        runs.remove(held)
        if runs:
            self._held[held.job.owner] = runs
        releases = held is self._leaving or stopping
        self._train(held, RELEASE if releases else SLICE_SECONDS)

    def _train(self, held: Held, seconds: float) -> None:
        if held.train(seconds):
            self._held.setdefault(held.job.owner, deque()).append(held)
            return
        self._lost = self._lost + 1 if held.state is None else 0
        if held is self._leaving:
            self._leaving = None
            self._context.queue.notify_workers(held.job.id)
            self._asks_at = perf_counter() + STEP_SECONDS * MOST_STEPS  # another takes it
        elif held.state == "queued":
            self._released.append(held.job.id)

    def _wake(self) -> None:
        """Let the jobs come next that users want to change."""
        with suppress(Unavailable):
            waiting = self._context.requests.waiting(WAKE_SECONDS)
            for held in self._all():
                if held.job.id in waiting:
                    held.next_at = 0.0

    def _all(self) -> Iterator[Held]:
        return (held for runs in self._held.values() for held in runs)

    # -------------------------------------------------------------------------------- admission

    def _admit(self) -> bool:
        """Claim jobs and train their first slices; return whether there was one."""
        until = perf_counter() + ADMISSION_SECONDS
        admitted = False
        while perf_counter() < until and (claimed := self._claim()) is not None:
            self._train(Held(self._context, claimed), SLICE_SECONDS)
            admitted = True
        return admitted

    def _claim(self) -> Claim | None:
        if self._lost >= MOST_LOST or self._is_over():
            return None
        if not self._held:
            return claim(self._context)
        if perf_counter() < self._asks_at:
            return None
        queued = self._queued()
        if queued is None:
            self._share()
        if queued is None or not self._has_room(queued):
            self._asks_at = perf_counter() + ASK_SECONDS
            return None
        return claim(self._context, queued.id)

    def _queued(self) -> Queued | None:
        try:
            with self._context.database.read() as connection:
                return jobs.next_queued(connection, self._context.settings.quotas.max_running_jobs)
        except Unavailable as error:
            logger.warning("queue_not_read", error=str(error))
            return None

    def _share(self) -> None:
        """Choose a job to release if a process of this machine has none to train."""
        now = perf_counter()
        held = [held for held in self._all() if now - held.claimed_at > LOOK_SECONDS]
        if now < self._looks_at or len(held) < 2:
            return
        self._looks_at = now + LOOK_SECONDS
        with suppress(Unavailable), self._context.database.read() as connection:
            if workers.any_idle(connection, socket.gethostname()):
                self._leaving = held[-1]

    def _has_room(self, queued: Queued) -> bool:
        """Return whether this process should train the job beside those that it holds."""
        held = [*self._all()]
        if queued.age_seconds < STEP_SECONDS * min(len(held), MOST_STEPS):
            return False
        if len(held) >= MOST_HELD or len(self._held.get(queued.owner, ())) >= MOST_OF_OWNER:
            return False
        # A job that may have killed a worker is trained alone; a claim counts as an attempt.
        if queued.fruitless_attempts > 0 or any(h.job.fruitless_attempts > 1 for h in held):
            return False
        needed = PROCESS_BYTES + self._own_bytes(queued)
        return needed + sum(self._own_bytes(h.job) for h in held) <= self._most_bytes

    def _own_bytes(self, job: JobRow | Queued) -> int:
        """Return the bytes of a job beside those of any process."""
        price = self._most_bytes if job.memory_bytes is None else job.memory_bytes
        return max(0, price - PROCESS_BYTES)

    @property
    def _most_bytes(self) -> int:
        return self._context.settings.limits.max_memory_bytes

    def _is_over(self) -> bool:
        """Return whether this process takes no more jobs. Beside a long one it does: its end may be
        hours away.
        """
        now = perf_counter()
        return now > self._ends_at and all(
            now - held.claimed_at < LONG_SECONDS for held in self._all()
        )
