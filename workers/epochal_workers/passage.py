"""One attempt at a job: epochs are trained, and every now and then what is new is stored.

    epoch, epoch, … ──every 0.2 s──> one transaction: epochs, gradients, checkpoint, lease
         │
         └── the end, a wish of the user, or a worker that is told to go

Nothing is kept that is not in the database: whoever kills this process at any instant loses the
epochs since the last checkpoint, and the next worker computes the very same ones again.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

import numpy as np

import epochal_engine as engine
from epochal_service.jobs import lifecycle
from epochal_service.jobs.epochs import entry_of, latest
from epochal_service.jobs.lifecycle import Claim, Ending, Progress
from epochal_service.jobs.preparation import Prepared
from epochal_service.jobs.queue import Queue
from epochal_service.settings import Settings
from epochal_service.specs.jobs import JobState
from epochal_service.specs.training import TrainingSpec
from epochal_service.store import Database
from epochal_service.store import jobs as stored_jobs
from epochal_service.store.log import Entry
from epochal_service.store.packing import pack, pack_state

DRAIN_SECONDS = 3.0  # how long a worker that has to go waits for the end of its epoch


@dataclass(frozen=True)
class Workshop:
    """What a worker process holds from job to job."""

    settings: Settings
    database: Database
    queue: Queue
    leaving: Callable[[], bool]
    """Whether this worker has been told to go."""


class Passage(ABC):
    """One attempt at a job or a sweep: what was done and is not stored yet."""

    def __init__(
        self,
        shop: Workshop,
        claim: Claim,
        spec: TrainingSpec,
        training: engine.Run | engine.Sweep,
        *,
        weights_every: int,
    ) -> None:
        self._shop = shop
        self._claim = claim
        self._spec = spec
        self._training = training
        self._weights_every = weights_every
        # Epochs that an earlier attempt stored beyond its last checkpoint are computed again, and
        # not stored again.
        self._stored = claim.job.epoch
        self._weights: dict[int, bytes] = {}
        self._taken_at = self._flushed_at = self._checkpointed_at = perf_counter()
        self._first = True

    @abstractmethod
    def _take(self) -> tuple[list[Entry], str | None]:
        """The log's rows on the epochs beyond `_stored`, which moves on to the last of them, and
        what the job's own row is to have of it.
        """

    @abstractmethod
    def _keep_weights(self) -> None:
        """Note the weights as they are now."""

    @abstractmethod
    def _outcome(self) -> Ending:
        """How training that came to its own end has ended."""

    def go(self) -> JobState | None:
        settings, run = self._shop.settings, self._training
        every = self._weights_every
        flush_seconds, leaving = settings.flush_seconds, self._shop.leaving
        fresh = self._claim.job.epoch
        before = run.epoch
        left_at = None
        for epoch in run:
            now = perf_counter()
            if epoch != before:
                before = epoch
                if every and epoch % every == 0 and epoch > fresh:
                    self._keep_weights()
            if leaving():
                left_at = left_at or now
                if run.at_boundary or now - left_at > DRAIN_SECONDS:
                    return self._release()
            # The first epoch is shown at once: somebody is waiting for it.
            if now - self._flushed_at >= flush_seconds or (self._first and run.at_boundary):
                wish = self._flush(now)
                if wish is None:
                    return None
                if wish == "cancelling":
                    return self._end(Ending("cancelled", "user"))
                if wish == "pausing" and run.at_boundary:
                    return self._release()
                if self._late():
                    return self._end(self._deadline())
        return self._end(self._outcome())

    # ------------------------------------------------------------------------------ what is stored

    def _flush(self, now: float) -> JobState | None:
        due = now - self._checkpointed_at >= self._shop.settings.checkpoint_seconds
        progress = self._progress(checkpoint=due and self._training.at_boundary)
        wish = lifecycle.flush(
            self._shop.database,
            self._claim,
            progress,
            lease_seconds=self._shop.settings.lease_seconds,
        )
        self._flushed_at = perf_counter()
        self._first = self._first and not self._training.at_boundary
        if progress.entries:
            self._shop.queue.ring(self._claim.id)
        return wish

    def _release(self) -> JobState | None:
        progress = self._progress(checkpoint=self._training.at_boundary)
        return lifecycle.release(self._shop.database, self._claim, progress)

    def _end(self, ending: Ending) -> JobState | None:
        self._keep_weights()
        progress = self._progress(checkpoint=False)
        ended = lifecycle.end(self._shop.database, self._claim, progress, ending)
        return ending.state if ended else None

    def _progress(self, *, checkpoint: bool) -> Progress:
        """All that is new, taken from the engine; the caller stores it or gives the job up."""
        entries, told = self._take()
        weights, self._weights = [*self._weights.items()], {}
        point = None
        if checkpoint:
            state = self._training.state()
            point = (self._training.epoch, pack_state(state.arrays, state.values))
            self._checkpointed_at = perf_counter()
        return Progress(entries, self._stored if told else None, told, weights, point)

    # ------------------------------------------------------------------------------ how it ends

    def _late(self) -> bool:
        limit = self._spec.deadline_seconds
        if limit is None:
            return False
        with self._shop.database.read() as connection:
            return stored_jobs.running_seconds(connection, self._claim.id) > limit

    def _deadline(self) -> Ending:
        return Ending(
            "failed",
            "deadline_exceeded",
            detail=f"The job was given {self._spec.deadline_seconds:g} seconds and came to epoch "
            f"{self._training.epoch} of {self._spec.epochs}",
        )


class RunPassage(Passage):
    """One attempt at a job."""

    def __init__(self, shop: Workshop, claim: Claim, prepared: Prepared, run: engine.Run) -> None:
        super().__init__(shop, claim, prepared.spec, run, weights_every=prepared.weights_every)
        self._scaling = prepared.scaling
        self._run = run

    def _take(self) -> tuple[list[Entry], str | None]:
        entries: list[Entry] = []
        told: str | None = None
        blocks = self._run.take()
        counts = [len(block.columns["train_loss"]) for block in blocks]
        # The engine may work out short epochs together: their mean is all that a clock can say.
        each = (perf_counter() - self._taken_at) / max(1, sum(counts))
        for block, count in zip(blocks, counts, strict=True):
            seconds = np.full(count, each)
            entry = entry_of(block, seconds, after=self._stored)
            if entry is not None:
                entries.append(entry)
                self._stored = entry.last_epoch
                told = latest(block.first_epoch, {**block.columns, "seconds": seconds})
        if blocks:
            self._taken_at = perf_counter()
        return entries, told

    def _keep_weights(self) -> None:
        outcome = self._run.outcome
        diverged = outcome is not None and outcome.divergence is not None
        # Of a run that blew up, the engine keeps the weights of the last epoch that was finite.
        epoch = self._run.epoch - 1 if diverged else self._run.epoch
        self._weights[epoch] = pack({**self._run.weights(), **self._scaling})

    def _outcome(self) -> Ending:
        outcome = self._run.outcome
        assert outcome is not None
        if outcome.divergence is None:
            return Ending("succeeded", outcome.stop_reason)
        why = outcome.divergence
        return Ending(
            "failed",
            "diverged",
            detail=f"Epoch {why.epoch}, {why.layer}: {why.what}",
            divergence={
                "epoch": why.epoch,
                "layer": why.layer,
                "what": why.what,
                "suggestion": why.suggestion,
            },
        )
