"""One attempt at a sweep: like an attempt at a job, with columns for every member."""

from __future__ import annotations

from time import perf_counter

import epochal_engine as engine
from epochal_service.jobs.lifecycle import Claim, Ending
from epochal_service.jobs.sweeps import (
    dump_progress,
    entry_of,
    load_progress,
    updated_progress,
)
from epochal_service.specs.sweeps import SweepSpec
from epochal_service.store.log import Entry

from .attempt import Attempt
from .context import WorkerContext


class SweepAttempt(Attempt):
    """One attempt at a sweep. The weights of its members are not stored."""

    def __init__(
        self, context: WorkerContext, claim: Claim, spec: SweepSpec, sweep: engine.Sweep
    ) -> None:
        super().__init__(context, claim, spec.job, sweep, weights_every=0)
        self._sweep = sweep
        self._members = load_progress(spec, claim.job.latest)

    def _take(self) -> tuple[list[Entry], str | None]:
        members = self._sweep.take()
        epochs = max(
            (blocks[-1].last_epoch - blocks[0].first_epoch + 1 for blocks in members if blocks),
            default=0,
        )
        if epochs == 0:
            return [], None
        seconds_per_epoch = (perf_counter() - self._taken_at) / epochs
        self._taken_at = perf_counter()
        entry, latest = entry_of(members, seconds_per_epoch, after=self._stored_epoch)
        if entry is None:
            return [], None
        self._stored_epoch = entry.last_epoch
        self._members = updated_progress(self._members, latest, self._sweep.outcomes)
        return [entry], dump_progress(self._members)

    def _record_weights(self) -> None:
        pass

    def _outcome(self) -> Ending:
        diverged = sum(
            outcome is not None and outcome.stop_reason == "diverged"
            for outcome in self._sweep.outcomes
        )
        detail = f"{diverged} of {len(self._members)} members diverged" if diverged else None
        return Ending("succeeded", "completed", detail=detail)
