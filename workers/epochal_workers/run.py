"""Carries one job or sweep from where it is to its end, to a pause, or as far as this worker goes.

claim ── prepare ── epoch, epoch, … ── the end, a pause, or a worker that is told to go
"""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from dataclasses import replace

import structlog

import epochal_engine as engine
from epochal_service.errors import EpochalError, Unavailable
from epochal_service.jobs import lifecycle
from epochal_service.jobs.kernel import kernel
from epochal_service.jobs.lifecycle import Claim, Ending, Progress
from epochal_service.jobs.preparation import Prepared, prepare
from epochal_service.jobs.sweeps import prepare_sweep
from epochal_service.specs.jobs import JobState
from epochal_service.specs.sweeps import SweepSpec
from epochal_service.specs.training import TrainingSpec
from epochal_service.store.packing import unpack, unpack_state

from .passage import Passage, RunPassage, Workshop
from .sweep import SweepPassage

__all__ = ["Workshop", "run"]

logger = structlog.get_logger(__name__)


def run(shop: Workshop, job_id: str) -> JobState | None:
    """Train the job as far as it goes here; the state that it is left in, or None if it was not
    ours (any more).
    """
    if shop.leaving():
        return None  # the reaper tells another worker
    claim = None
    try:
        claim = lifecycle.claim(
            shop.database,
            job_id,
            lease_seconds=shop.settings.lease_seconds,
            worker=f"{socket.gethostname()}:{os.getpid()}",
            kernel=kernel(),
        )
        if claim is None:
            return None
        shop.queue.ring(job_id)
        state = _train(shop, claim)
    except Unavailable as error:
        logger.warning("left: the database takes nothing", job=job_id, error=error.detail)
        if claim is not None:
            _give_back(shop, claim)
        return None
    shop.queue.ring(job_id)
    logger.info("left", job=job_id, attempt=claim.job.attempt, state=state or "lost")
    if state == "queued":
        shop.queue.hint(job_id)
    return state


def _give_back(shop: Workshop, claim: Claim) -> None:
    """So that no attempt is held against the job, and a little later it is tried again.

    A disk that is full for epochs may still have room for this. Where not even this can be written,
    the lease runs out.
    """
    with suppress(Unavailable):
        lifecycle.release(shop.database, claim, Progress())


def _train(shop: Workshop, claim: Claim) -> JobState | None:
    """As far as it goes; what nobody foresaw ends the job and is told in it."""
    try:
        return _set_out(shop, claim).go()
    except Unavailable:
        raise
    except Exception as error:
        logger.exception("failed", job=claim.id, attempt=claim.job.attempt)
        detail = (
            error.detail
            if isinstance(error, EpochalError)
            else f"{type(error).__name__}: the worker's log has more"
        )
        ending = Ending("failed", "internal", detail=detail)
        return "failed" if lifecycle.end(shop.database, claim, Progress(), ending) else None


def _set_out(shop: Workshop, claim: Claim) -> Passage:
    state = None
    if claim.resume_state is not None:
        state = engine.State(*unpack_state(claim.resume_state))
    database, owner, limits = shop.database, claim.job.owner, shop.settings.limits
    if lifecycle.kind_of(claim.id) == "sweep":
        sweep_spec = SweepSpec.model_validate_json(claim.job.spec)
        sweep = prepare_sweep(database, sweep_spec, owner, limits, stored=True)
        together = engine.Sweep(sweep.networks, sweep.trainings, sweep.job.data, state)
        return SweepPassage(shop, claim, sweep.spec, together)
    spec = TrainingSpec.model_validate_json(claim.job.spec)
    prepared = prepare(database, spec, owner, limits, stored=True)
    if claim.first_weights is not None:
        state = _forked(prepared, claim.first_weights)
    alone = engine.Run(prepared.network, prepared.training, prepared.data, state)
    return RunPassage(shop, claim, prepared, alone)


def _forked(prepared: Prepared, first_weights: bytes) -> engine.State:
    """What a fresh run begins from, but for the weights."""
    fresh = engine.Run(prepared.network, prepared.training, prepared.data).state()
    weights = unpack(first_weights)
    own = {name: weights[name] for name in prepared.network.parameters}
    return replace(fresh, arrays={**fresh.arrays, **own})
