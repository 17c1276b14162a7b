"""One attempt at a sweep: a job's life, with columns for every member."""

from __future__ import annotations

from time import perf_counter

import epochal_engine as engine
from epochal_service.jobs.lifecycle import Claim, Ending
from epochal_service.jobs.sweeps import entry_of, progress_of, read_progress, write_progress
from epochal_service.specs.sweeps import SweepSpec
from epochal_service.store.log import Entry

from .passage import Passage, Workshop


class SweepPassage(Passage):
    """One attempt at a sweep. Its members keep no weights."""

    def __init__(self, shop: Workshop, claim: Claim, spec: SweepSpec, sweep: engine.Sweep) -> None:
        super().__init__(shop, claim, spec.job, sweep, weights_every=0)
        self._sweep = sweep
        self._members = read_progress(spec, claim.job.latest)

    def _take(self) -> tuple[list[Entry], str | None]:
        taken = self._sweep.take()
        fresh = max(
            (blocks[-1].last_epoch - blocks[0].first_epoch + 1 for blocks in taken if blocks),
            default=0,
        )
        if fresh == 0:
            return [], None
        each = (perf_counter() - self._taken_at) / fresh
        self._taken_at = perf_counter()
        entry, latest = entry_of(taken, each, after=self._stored)
        if entry is None:
            return [], None
        self._stored = entry.last_epoch
        self._members = progress_of(self._members, latest, self._sweep.outcomes)
        return [entry], write_progress(self._members)

    def _keep_weights(self) -> None:
        pass

    def _outcome(self) -> Ending:
        diverged = sum(
            outcome is not None and outcome.stop_reason == "diverged"
            for outcome in self._sweep.outcomes
        )
        detail = f"{diverged} of {len(self._members)} members diverged" if diverged else None
        return Ending("succeeded", "completed", detail=detail)
