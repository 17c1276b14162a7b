"""One attempt at a sweep: like an attempt at a job, with columns for every member."""

from __future__ import annotations

from time import perf_counter

import epochal_engine as engine
from epochal_service.experiments.sweeps import (
    PreparedSweep,
    dump_progress,
    entry_of,
    load_progress,
    updated_progress,
)
from epochal_service.jobs.lifecycle import Claim, Ending
from epochal_service.preparation import baselines
from epochal_service.store.log import Entry

from .attempt import Attempt
from .context import WorkerContext


class SweepAttempt(Attempt):
    """One attempt at a sweep. The weights of its members are not stored."""

    def __init__(
        self, context: WorkerContext, claim: Claim, prepared: PreparedSweep, sweep: engine.Sweep
    ) -> None:
        self._sweep = sweep
        super().__init__(context, claim, prepared.spec.job, sweep, weights_every=0)
        self._members = load_progress(prepared.spec, claim.job.latest)
        if sweep.epoch == 0:
            losses = baselines.of_members(sweep, prepared.networks)
            self._members = [
                member.model_copy(update={"initial": initial})
                for member, initial in zip(self._members, losses, strict=True)
            ]

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
        entry, latest, best = entry_of(members, seconds_per_epoch, after=self._stored_epoch)
        if entry is None:
            return [], None
        self._stored_epoch = entry.last_epoch
        self._members = updated_progress(self._members, latest, best, self._sweep.outcomes)
        return [entry], dump_progress(self._members)

    def _new_baselines(self) -> str | None:
        if self._sweep.epoch > 0:
            return None
        return baselines.of_sweep(self._sweep).model_dump_json()

    def _record_weights(self) -> None:
        pass

    def _record_best_weights(self) -> None:
        pass

    def _best(self) -> str | None:
        return None  # the best epochs of the members are in `latest`

    def _outcome(self) -> Ending:
        diverged = sum(
            outcome is not None and outcome.stop_reason == "diverged"
            for outcome in self._sweep.outcomes
        )
        detail = f"{diverged} of {len(self._members)} members diverged" if diverged else None
        return Ending("succeeded", "completed", detail=detail)
