"""Run one attempt at a job or sweep: until its end, a pause, or the shutdown of this worker.

claim ── prepare ── slice, slice, … ── the end, a pause, or a release
"""

from __future__ import annotations

import math
import os
import socket
from contextlib import suppress
from dataclasses import replace
from time import perf_counter, sleep

import structlog
from structlog.contextvars import bound_contextvars

import epochal_engine as engine
from epochal_service.errors import EpochalError, Unavailable
from epochal_service.experiments.sweeps import prepare_sweep
from epochal_service.jobs import figures, lifecycle
from epochal_service.jobs.kernel import kernel
from epochal_service.jobs.lifecycle import Claim, Ending, Progress
from epochal_service.preparation.changes import at_epoch
from epochal_service.preparation.prepare import prepare
from epochal_service.preparation.prepared import forked
from epochal_service.preparation.rollouts import with_weights
from epochal_service.request_ids import VARIABLE
from epochal_service.specs.jobs import TERMINAL, JobState
from epochal_service.specs.sweeps import SweepSpec
from epochal_service.specs.training import TrainingSpec
from epochal_service.store import Access, dependencies
from epochal_service.store.packing import unpack, unpack_state

from .attempt import Attempt, JobAttempt, Slices
from .context import WorkerContext
from .memory import MemoryLimit, is_exhausted, out_of_memory
from .sweep import SweepAttempt

__all__ = ["Held", "WorkerContext", "claim", "run"]

logger = structlog.get_logger(__name__)


def run(context: WorkerContext, job_id: str | None = None) -> JobState | None:
    """Claim the job, by default the next in turn, and train it until it ends or pauses, or this
    worker stops.

    Return the job's new state; None if this worker did not get the job, or lost it.
    """
    claimed = claim(context, job_id)
    if claimed is None:
        return None
    held = Held(context, claimed)
    while held.train(math.inf):
        sleep(max(0.0, held.next_at - perf_counter()))
    return held.state


def claim(context: WorkerContext, job_id: str | None = None) -> Claim | None:
    """Claim the job, by default the next in turn; None if this worker does not get it."""
    if context.stopping():
        return None  # the reaper notifies another worker
    try:
        return lifecycle.claim(
            context.database,
            job_id,
            lease_seconds=context.settings.lease_seconds,
            worker=f"{socket.gethostname()}:{os.getpid()}",
            kernel=kernel(),
            engine=engine.chosen_engine(),
            worker_id=context.worker_id,
            max_running=context.settings.quotas.max_running_jobs,
        )
    except Unavailable as error:
        logger.warning("job_not_claimed", job=job_id, error=str(error))
        return None


class Held:
    """A job that this process holds, and trains in slices."""

    def __init__(self, context: WorkerContext, claim: Claim) -> None:
        self.job = claim.job
        self.claimed_at = claim.claimed_at
        self.state: JobState | None = None
        """The new state of the job once it is no longer held; None if the worker has lost it."""
        self._slices = _attempt(context, claim)
        self._limit = MemoryLimit(claim.job.memory_bytes)
        self.next_at = 0.0
        """When the next slice begins."""
        self._is_prepared = False
        # The lines of this attempt have the id of the request that created the job.
        self._names = {} if claim.job.request is None else {VARIABLE: claim.job.request}

    def train(self, seconds: float) -> bool:
        """Train for so long, or until the end; return whether the job is still held."""
        with self._limit.applied(), bound_contextvars(**self._names):
            try:
                if not self._is_prepared:
                    next(self._slices)
                    self._is_prepared = True
                self.next_at = self._slices.send(perf_counter() + seconds)
            except StopIteration as ended:
                self.state = ended.value
                return False
            except Exception:  # its lease expires
                logger.exception("attempt_failed", job=self.job.id)
                return False
        return True


def _attempt(context: WorkerContext, claim: Claim) -> Slices:
    """Train a job that is claimed, and notify everyone who waits for its end."""
    context.queue.notify_watchers(claim.id)
    try:
        with context.heartbeat.renewing(claim), context.requests.followed(claim.id):
            state = yield from _train(context, claim)
    except Unavailable as error:
        logger.warning("job_released", job=claim.id, error=str(error))
        _try_release(context, claim)
        return None
    context.queue.notify_watchers(claim.id)
    context.tally.add(f"{figures.ATTEMPTS}.{state or 'lost'}")
    logger.info("attempt_ended", job=claim.id, attempt=claim.job.attempt, state=state or "lost")
    if claim.job.experiment_id is not None and state in TERMINAL:
        _notify_dependents(context, claim.id)
    return state


def _notify_dependents(context: WorkerContext, job_id: str) -> None:
    """Notify workers of the jobs that waited for this one. The reaper does so if this fails."""
    with suppress(Unavailable):
        with context.database.read() as connection:
            released = dependencies.released_by(connection, job_id)
        for released_id in released:
            context.queue.notify_workers(released_id)
            context.queue.notify_watchers(released_id)


def _try_release(context: WorkerContext, claim: Claim) -> None:
    """Release the job without progress, so that the attempt does not count against it.

    A disk that is too full for epochs may still have room for this small write. If it fails too,
    the lease expires.
    """
    with suppress(Unavailable):
        lifecycle.release(context.database, claim, Progress())


def _train(context: WorkerContext, claim: Claim) -> Slices:
    """Train until the job ends or pauses. An unexpected exception fails the job and is recorded on
    it.
    """
    try:
        return (yield from _start(context, claim).run())
    except Unavailable:
        raise
    except Exception as error:
        logger.exception("job_failed", job=claim.id, attempt=claim.job.attempt)
        ending = _ending_of(error, claim.job.memory_bytes)
    # Outside of the handler, the error no longer keeps the memory of the frames that it passed.
    return "failed" if lifecycle.end(context.database, claim, Progress(), ending) else None


def _ending_of(error: Exception, price: int | None) -> Ending:
    if is_exhausted(error):
        return out_of_memory(price, "The worker process got no memory")
    detail = (
        error.detail
        if isinstance(error, EpochalError)
        else f"{type(error).__name__}: see the worker's log"
    )
    return Ending("failed", "internal", detail=detail)


def _start(context: WorkerContext, claim: Claim) -> Attempt:
    """Prepare the job or sweep, and restore the engine's state from the resume point."""
    state = None
    if claim.start.state is not None:
        state = engine.State(*unpack_state(claim.start.state))
    database, owner, limits = context.database, claim.job.owner, context.settings.limits
    if lifecycle.kind_of(claim.id) == "sweep":
        sweep_spec = SweepSpec.model_validate_json(claim.job.spec)
        sweep = prepare_sweep(database, sweep_spec, Access(owner), limits, stored=True)
        members = engine.Sweep(sweep.networks, sweep.trainings, sweep.job.data, state)
        return SweepAttempt(context, claim, sweep, members)
    spec = TrainingSpec.model_validate_json(claim.job.spec)
    prepared = prepare(database, spec, Access(owner), limits, stored=True)
    if claim.start.reward_weights is not None:
        training = with_weights(prepared.training, unpack(claim.start.reward_weights))
        prepared = replace(prepared, training=training)
    if claim.start.initial_weights is not None:
        state = forked(prepared, unpack(claim.start.initial_weights))
    if prepared.spec.changes:
        # A state is from before the change after its epoch.
        epoch = 0 if state is None else int(state.values["epoch"])
        prepared = at_epoch(prepared, epoch - 1)
    run = engine.Run(prepared.network, prepared.training, prepared.data, state)
    return JobAttempt(context, claim, prepared, run, spec)
