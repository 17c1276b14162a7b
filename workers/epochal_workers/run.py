"""Run one attempt at a job or sweep: until its end, a pause, or the shutdown of this worker.

claim ── prepare ── epoch, epoch, … ── the end, a pause, or a release
"""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from dataclasses import replace
from time import perf_counter

import structlog
from structlog.contextvars import bound_contextvars

import epochal_engine as engine
from epochal_service.errors import EpochalError, Unavailable
from epochal_service.experiments.sweeps import prepare_sweep
from epochal_service.jobs import figures, lifecycle
from epochal_service.jobs.kernel import kernel
from epochal_service.jobs.lifecycle import Claim, Ending, Progress
from epochal_service.preparation.prepare import forked, prepare, with_settings
from epochal_service.preparation.rollouts import with_weights
from epochal_service.request_ids import VARIABLE
from epochal_service.specs.changes import spec_at
from epochal_service.specs.jobs import TERMINAL, JobState
from epochal_service.specs.sweeps import SweepSpec
from epochal_service.specs.training import TrainingSpec
from epochal_service.store import dependencies
from epochal_service.store.packing import unpack, unpack_state

from .attempt import Attempt, JobAttempt
from .context import WorkerContext
from .memory import is_exhausted, limited, out_of_memory
from .sweep import SweepAttempt

__all__ = ["WorkerContext", "run", "run_next", "take_turn"]

MOST_LOST = 8
"""The number of lost jobs in a row after which a process waits for the next message."""

TURN_SECONDS = 10.0
"""After so long, a process that trains one job after another takes another message. Celery then
replaces a process that has taken many."""

logger = structlog.get_logger(__name__)


def take_turn(context: WorkerContext, job_id: str) -> None:
    """Train jobs, each in its turn, until none is queued.

    To take a message for each would cost more than to train a small job, and the messages of jobs
    that waited for a quota are gone. `job_id` comes from the message.
    """
    until = perf_counter() + TURN_SECONDS
    while run_next(context) is not None:
        if perf_counter() > until:
            # The messages of the jobs that are still queued may be gone.
            context.queue.notify_workers(job_id)
            return


def run_next(context: WorkerContext) -> JobState | None:
    """Train the next job in turn, and return its new state; None if no job could be claimed."""
    for _ in range(MOST_LOST):
        claim = _claim(context)
        if claim is None:
            return None
        state = _attempt(context, claim)
        if state is not None:
            return state
    return None


def run(context: WorkerContext, job_id: str) -> JobState | None:
    """Claim the job and train it until it ends or pauses, or this worker stops.

    Return the job's new state; None if this worker did not get the job, or lost it.
    """
    claim = _claim(context, job_id)
    return None if claim is None else _attempt(context, claim)


def _claim(context: WorkerContext, job_id: str | None = None) -> Claim | None:
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


def _attempt(context: WorkerContext, claim: Claim) -> JobState | None:
    """Train a job that is claimed, and notify everyone who waits for its end."""
    # The lines of this attempt have the id of the request that created the job.
    with bound_contextvars(**({} if claim.job.request is None else {VARIABLE: claim.job.request})):
        return _notifying(context, claim)


def _notifying(context: WorkerContext, claim: Claim) -> JobState | None:
    context.queue.notify_watchers(claim.id)
    try:
        with context.heartbeat.renewing(claim):
            state = _train(context, claim)
    except Unavailable as error:
        logger.warning("job_released", job=claim.id, error=str(error))
        _try_release(context, claim)
        return None
    context.queue.notify_watchers(claim.id)
    context.tally.add(f"{figures.ATTEMPTS}.{state or 'lost'}")
    logger.info("attempt_ended", job=claim.id, attempt=claim.job.attempt, state=state or "lost")
    if claim.job.experiment_id is not None and state in TERMINAL:
        _notify_dependents(context, claim.id)
    if state == "queued":
        # This process may be about to exit.
        context.queue.send_to_workers(claim.id)
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


def _train(context: WorkerContext, claim: Claim) -> JobState | None:
    """Train until the job ends or pauses. An unexpected exception fails the job and is recorded on
    it.
    """
    try:
        with limited(claim.job.memory_bytes):
            return _start(context, claim).run()
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
        sweep = prepare_sweep(database, sweep_spec, owner, limits, stored=True)
        members = engine.Sweep(sweep.networks, sweep.trainings, sweep.job.data, state)
        return SweepAttempt(context, claim, sweep, members)
    spec = TrainingSpec.model_validate_json(claim.job.spec)
    prepared = prepare(database, spec, owner, limits, stored=True)
    if claim.start.reward_weights is not None:
        training = with_weights(prepared.training, unpack(claim.start.reward_weights))
        prepared = replace(prepared, training=training)
    if claim.start.initial_weights is not None:
        state = forked(prepared, unpack(claim.start.initial_weights))
    if prepared.spec.changes:
        # A state is from before the change after its epoch.
        epoch = 0 if state is None else int(state.values["epoch"])
        prepared = with_settings(prepared, spec_at(prepared.spec, epoch))
    run = engine.Run(prepared.network, prepared.training, prepared.data, state)
    return JobAttempt(context, claim, prepared, run, spec)
