"""One attempt at a job: train epochs, and store what is new at short intervals.

    epoch, epoch, … ──every 0.2 s──> one transaction: epochs, gradients, checkpoint, lease
         │
         ├── the slice is over: wait for the next one
         └── the end, a request of the user, or a worker that stops

The database holds everything. If this process is killed, only the epochs since the last resume
point are lost, and the next worker computes the same ones again.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Generator, Iterator
from dataclasses import replace
from time import perf_counter

import numpy as np
import structlog

import epochal_engine as engine
from epochal_service.admission.memory import PENDING_BYTES
from epochal_service.answers.inspection import Trained
from epochal_service.curves.epochs import entry_of, latest_row
from epochal_service.curves.thinning import superseded
from epochal_service.experiments import claims
from epochal_service.experiments.measures import Finished, measured
from epochal_service.jobs import changes, figures, lifecycle
from epochal_service.jobs.endings import BEST, dump_best
from epochal_service.jobs.lifecycle import Claim, Ending, Progress
from epochal_service.preparation import baselines
from epochal_service.preparation.changes import changed_state, with_change
from epochal_service.preparation.prepared import Prepared
from epochal_service.specs.build import network_of
from epochal_service.specs.changes import spec_at
from epochal_service.specs.jobs import WATCHED_PARAMETERS, JobState
from epochal_service.specs.training import ChangedTrainingSpec, TrainingSpec
from epochal_service.store.log import Entry
from epochal_service.store.packing import pack, pack_state

from .context import WorkerContext

logger = structlog.get_logger(__name__)

Slices = Generator[float, float, JobState | None]
"""Training in slices. It yields when it is prepared and after each slice, and is sent the time, by
`perf_counter`, until which the next one lasts. It yields the time to begin that one, which is later
for a job with a pace. The value is the new state of the job; None if the worker has lost it."""
RELEASE = -math.inf
"""The time to send for a release of the job as soon as an epoch is complete."""

EPOCH_GRACE_SECONDS = 3.0  # how long a stopping worker waits for the end of its epoch
ASK_SECONDS = 0.03
"""How often to ask whether a user has changed the job."""
ASK_BEFORE_SECONDS = 0.005
"""How long ago at most that was asked when an epoch of a job with a pace begins."""
ROUND_SECONDS = 0.05
"""Epochs that the engine trains before it computes their results. A user who changes the job waits
for so long."""
FRAME_SECONDS = 0.03
"""How often a job with a pace stores its epochs, because a user watches each."""
SHOW_SECONDS = 0.25
"""How often a job with a pace announces the checkpoint of the epoch that users see."""
FIRST_FLUSH_SECONDS = 0.02
"""When to store the first epochs, and those after a change, since a user may be waiting for them; a
job with a pace stores its first at once. A job that ends before stores everything in one
transaction."""


SAME = ChangedTrainingSpec()
"""No change: the run goes on as another one, after the rest of an epoch or up to a step."""


class Attempt(ABC):
    """One attempt at a job or a sweep, with the results that are not stored yet."""

    def __init__(
        self,
        context: WorkerContext,
        claim: Claim,
        spec: TrainingSpec,
        training: engine.Run | engine.Sweep,
        *,
        weights_every: int,
    ) -> None:
        self._context = context
        self._claim = claim
        self._spec = spec
        self._training = training
        self._weights_every = weights_every
        # Epochs that an earlier attempt stored beyond its last resume point are computed again, and
        # not stored again.
        self._stored_epoch = self._counted_epoch = claim.job.epoch
        self._weights: dict[int, bytes] = {}
        self._pending_bytes = 0
        self._superseded: list[int] = []
        self._checkpoints = {*claim.stored_epochs}
        self._baselines = self._new_baselines() if claim.job.baselines is None else None
        self._taken_at = self._flushed_at = self._resume_point_at = perf_counter()
        self._waited = 0.0
        """Seconds between slices since the last transaction."""
        self._next_at = 0.0
        """When the next epoch begins."""
        self._is_small = False
        """Whether every transaction stores the weights."""
        self._shown: list[int] = []
        """The epoch with a checkpoint for watchers, until the next one replaces it."""
        self._unannounced: set[int] = set()
        self._announced_at = 0.0
        self._first_flush = True
        self._deadline_seconds = min(
            spec.deadline_seconds or math.inf, context.settings.limits.max_deadline_seconds
        )
        self._deadline_at = claim.claimed_at + self._deadline_seconds - claim.running_seconds

    @abstractmethod
    def _take(self) -> tuple[list[Entry], str | None]:
        """Return the log entries for the epochs beyond `_stored_epoch`, and the value of `latest`
        in the job's row. Advance `_stored_epoch` to the last of these epochs.
        """

    @abstractmethod
    def _new_baselines(self) -> str | None:
        """Return the baselines as JSON; None if training began without them."""

    @abstractmethod
    def _record_weights(self) -> None:
        """Record the current weights for the next transaction."""

    @abstractmethod
    def _record_best_weights(self) -> None:
        """Record the weights of the best epoch for the next transaction."""

    @abstractmethod
    def _best(self) -> str | None:
        """Return the value of `best` in the job's row."""

    def _supersede(self, epoch: int) -> None:
        """Drop the checkpoint that does not stay once `epoch` is stored."""
        after = self._spec.snapshots.thin_weights_after
        old = superseded(epoch, self._weights_every, after)
        if old is None:
            return
        weights = self._weights.pop(old, None)
        if weights is None:
            self._superseded.append(old)
        else:
            self._pending_bytes -= len(weights)

    def _state(self) -> engine.State:
        """Return the state of the resume point."""
        return self._training.state()

    @abstractmethod
    def _outcome(self) -> Ending:
        """Return how training ended once the engine has finished."""

    def _epochs(self) -> Iterator[int]:
        """Train; yield as the engine does."""
        yield from self._training

    def run(self) -> Slices:
        """Train until the job ends, pauses, or this worker stops."""
        settings = self._context.settings
        logger.info(
            "attempt_started",
            job=self._claim.id,
            attempt=self._claim.job.attempt,
            engine=self._training.engine,
            python_calls=self._training.python_calls,
        )
        every = self._weights_every
        if self._training.epoch == 0 and self._claim.start.initial_weights is None:
            self._record_weights()
        flush_seconds, stopping = settings.flush_seconds, self._context.stopping
        resumed_epoch = self._claim.job.epoch
        last_epoch = self._training.epoch
        stopping_since = None
        until = yield from self._next_slice()
        due = self._due(until)
        for epoch in self._epochs():
            now, at_boundary = perf_counter(), self._training.at_boundary
            if epoch != last_epoch:
                last_epoch = epoch
                if every and epoch % every == 0 and epoch > resumed_epoch:
                    self._record_weights()
                    self._supersede(epoch)
            if stopping():
                stopping_since = stopping_since or now
                if at_boundary or now - stopping_since > EPOCH_GRACE_SECONDS:
                    return self._release()
            if at_boundary and self._is_at_pause():
                return self._release(at_pause=True)
            waits = now < self._next_at
            if now < due and not waits and self._pending_bytes < PENDING_BYTES:
                continue
            # At the start of a slice little is new.
            waited = now - self._flushed_at - (0.0 if waits or now >= until else self._waited)
            if (
                waited >= flush_seconds
                or (waits and epoch > self._stored_epoch and waited >= FRAME_SECONDS)
                or (
                    self._first_flush
                    and at_boundary
                    and (waited >= FIRST_FLUSH_SECONDS or (waits and epoch > self._stored_epoch))
                )
                or self._pending_bytes >= PENDING_BYTES
            ):
                if self._first_flush:
                    until = now  # jobs that have stored nothing come first
                self._show(announced=waits and now - self._announced_at >= SHOW_SECONDS)
                state = self._flush(now)
                if state is None:
                    return None
                if state == "cancelling":
                    return self._end(Ending("cancelled", "user"))
                if state == "pausing" and at_boundary:
                    return self._release()
                if self._deadline_exceeded():
                    return self._end(self._deadline_ending())
            if waits or now >= until:
                until = yield from self._next_slice()
                if until == RELEASE and at_boundary:
                    return self._release()
            due = self._due(until)
        return self._end(self._outcome())

    def _due(self, until: float) -> float:
        """Return when a slice with this end has something to do beside training."""
        seconds = self._context.settings.flush_seconds
        if self._first_flush:
            seconds = min(seconds, FIRST_FLUSH_SECONDS)
        return min(until, self._flushed_at + self._waited + seconds)

    def _next_slice(self) -> Generator[float, float, float]:
        """Wait for a slice, and return its end. The time does not count as training."""
        begun_at = perf_counter()
        # In the meantime a user may cancel the job, or pause it.
        until = yield min(self._next_at, begun_at + self._context.settings.flush_seconds)
        waited = perf_counter() - begun_at
        self._waited += waited
        self._taken_at += waited
        self._resume_point_at += waited
        return until

    # ---------------------------------------------------------------------------- transactions

    def _flush(self, now: float) -> JobState | None:
        settings = self._context.settings
        due = now - self._resume_point_at >= settings.checkpoint_seconds
        progress = self._progress(resume_point=due and self._training.at_boundary)
        begun_at = perf_counter()
        state = lifecycle.flush(self._context.database, self._claim, progress)
        self._flushed(begun_at, is_stored=state is not None)
        if progress.entries:
            self._context.queue.notify_watchers(self._claim.id, at_once=self._first_flush)
        self._first_flush = self._first_flush and not self._training.at_boundary
        return state

    def _flushed(self, begun_at: float, *, is_stored: bool) -> None:
        self._flushed_at, self._waited = perf_counter(), 0.0
        self._context.tally.observe(figures.FLUSH, self._flushed_at - begun_at)
        if is_stored:
            self._count_epochs()

    def _is_at_pause(self) -> bool:
        """Return whether the epochs are trained that a user resumed the job for."""
        return False

    def _release(self, *, at_pause: bool = False) -> JobState | None:
        self._show(announced=self._is_small)
        progress = self._progress(resume_point=self._training.at_boundary)
        database = self._context.database
        state = lifecycle.release(database, self._claim, progress, at_pause=at_pause)
        if state is not None:
            self._count_epochs()
        return state

    def _show(self, *, announced: bool) -> None:
        """Record the weights that users watch, in place of those before. Of the announced epochs,
        two remain, so that requests for them find them.
        """
        epoch = self._training.epoch
        stored = epoch in self._weights or epoch in self._checkpoints or epoch in self._shown
        if stored or epoch <= self._claim.job.epoch or not (announced or self._is_small):
            return
        known = [e for e in self._shown if e not in self._unannounced]
        remaining = known[-1:] if announced else known[-2:]
        self._superseded += [e for e in self._shown if e not in remaining]
        self._record_weights()
        self._shown = [*remaining, epoch]
        self._unannounced = set() if announced else {epoch}
        if announced:
            self._announced_at = perf_counter()

    def _end(self, ending: Ending) -> JobState | None:
        self._superseded += self._shown
        self._unannounced = set()
        self._record_weights()
        self._record_best_weights()
        progress = self._progress(resume_point=False)
        ending = replace(ending, python_calls=self._training.python_calls)
        ended = lifecycle.end(self._context.database, self._claim, progress, ending)
        if ended:
            self._count_epochs()
        return ending.state if ended else None

    def _progress(self, *, resume_point: bool) -> Progress:
        """Take everything new from the engine; the caller stores it or gives up the job."""
        entries, latest = self._take()
        # The best epoch is stored at the end, even if it was superseded.
        old, self._superseded = [e for e in self._superseded if e not in self._weights], []
        weights, self._weights, self._pending_bytes = [*self._weights.items()], {}, 0
        self._checkpoints.difference_update(old)
        known = self._checkpoints | self._unannounced
        fresh = sorted(epoch for epoch, _ in weights if epoch not in known)
        self._checkpoints.update(fresh)
        point = None
        if resume_point:
            state = self._state()
            point = (self._training.epoch, pack_state(state.arrays, state.values))
            self._resume_point_at = perf_counter()
        baselines, self._baselines = self._baselines, None
        epoch, best = (self._stored_epoch, self._best()) if latest else (None, None)
        return Progress(entries, epoch, latest, best, weights, fresh, old, point, baselines)

    def _count_epochs(self) -> None:
        tally, job = self._context.tally, self._claim.job
        tally.add(figures.EPOCHS, self._stored_epoch - self._counted_epoch)
        if self._counted_epoch == 0 < self._stored_epoch and job.attempt == 1:
            waited = (job.started_at or job.created_at) - job.created_at
            tally.observe(figures.FIRST_EPOCH, waited + perf_counter() - self._claim.claimed_at)
        self._counted_epoch = self._stored_epoch

    # -------------------------------------------------------------------------------- deadline

    def _deadline_exceeded(self) -> bool:
        return perf_counter() > self._deadline_at

    def _deadline_ending(self) -> Ending:
        return Ending(
            "failed",
            "deadline_exceeded",
            detail=f"The deadline of {self._deadline_seconds:g} seconds passed at epoch "
            f"{self._training.epoch} of {self._spec.epochs}",
        )


class JobAttempt(Attempt):
    """One attempt at a job; its `spec` has all changes."""

    def __init__(
        self,
        context: WorkerContext,
        claim: Claim,
        prepared: Prepared,
        run: engine.Run,
        spec: TrainingSpec,
    ) -> None:
        self._run = run
        self._prepared = prepared
        self._changing_spec = spec
        self._changes = deque(c for c in spec.changes if c.epoch >= run.epoch)
        self._changed_at = (-1, 0)
        """The last epoch and step after which the settings changed: one change follows them."""
        self._pause = 0
        """The step of each epoch after which the run yields."""
        self._earlier: list[engine.Block] = []
        super().__init__(context, claim, prepared.spec, run, weights_every=prepared.weights_every)
        self._pause_epoch = math.inf if (last := claim.job.pause_epoch) is None else last
        self._is_small = claim.job.parameters <= WATCHED_PARAMETERS
        # A worker that died has left the checkpoint that users saw.
        every = prepared.weights_every
        self._shown = [e for e in claim.stored_epochs if e > 0 and (not every or e % every)]
        self._paced_epoch = run.epoch
        self._set_pace(spec.pace)

    def _epochs(self) -> Iterator[int]:
        while (change := (yield from self._epochs_at_one_setting())) is not None:
            prepared = with_change(self._prepared, change)
            state = changed_state(self._run, prepared, change)
            if change != SAME:
                self._changed_at, self._first_flush = self._moment, True
            self._prepared, self._pause = prepared, self._next_pause()
            most_ahead = self._run.most_ahead
            # Two runs may be more than the memory of the job.
            del self._training, self._run
            run = engine.Run(
                prepared.network, prepared.training, prepared.data, state, pause=self._pause
            )
            run.most_ahead = most_ahead
            self._training = self._run = run

    def _epochs_at_one_setting(self) -> Generator[int, None, ChangedTrainingSpec | None]:
        """Train until the settings change or the run ends; return the change.

        It is made when the next epoch begins, or at the next step of a long one. Until then the
        state is from before it, and further requests join it, so that a repetition makes the same
        single change.
        """
        run, rounds, change = self._run, iter(self._run), None
        while True:
            if (run.at_boundary or run.has_step) and run.outcome is None:
                change = self._planned() or self._requested() or change
                if run.at_boundary and perf_counter() < self._next_at:
                    yield run.epoch
                    continue
                if run.at_boundary and change is None and self._goes_on_as_another():
                    change = SAME
                if change is not None:
                    self._earlier += run.take()
                    return change
            epoch = next(rounds, None)
            if epoch is None:
                return None
            self._keep_pace(epoch)
            yield epoch

    def _keep_pace(self, epoch: int) -> None:
        """Set the time of the next epoch. Epochs up to the last planned change are not watched."""
        if self._pace and not self._changes:
            next_at = self._next_at + (epoch - self._paced_epoch) / self._pace
            self._next_at = max(next_at, perf_counter())
        self._paced_epoch = epoch

    def _planned(self) -> ChangedTrainingSpec | None:
        """Return the change that the spec has at the present moment; None without one."""
        if not self._changes or self._moment != (self._changes[0].epoch, self._changes[0].step):
            return None
        return self._changes.popleft().training

    @property
    def _moment(self) -> changes.Moment:
        """The last epoch, and the steps of the next one that are trained."""
        return self._run.epoch, 0 if self._run.at_boundary else self._run.step

    def _goes_on_as_another(self) -> bool:
        """Return whether the run has trained the rest of an epoch, or the next one has a pause."""
        is_rest = self._run.epoch == self._run.last_epoch
        return is_rest or self._next_pause() not in (0, self._pause)

    def _next_pause(self) -> int:
        """Return the step of the next epoch, or of the present one, after which a change is
        planned; 0 without one.
        """
        is_next = self._changes and self._changes[0].epoch == self._run.epoch
        return self._changes[0].step if is_next else 0

    def _requested(self) -> ChangedTrainingSpec | None:
        """Make the changes that users have requested after this epoch, and return all of them; None
        if there are none, and while epochs are computed again.
        """
        now = perf_counter()
        begins = self._pace and self._run.at_boundary and now >= self._next_at
        is_again = self._changes or self._run.epoch < self._claim.job.epoch
        if is_again or self._moment == self._changed_at:
            return None
        waiting = self._context.requests.waiting(ASK_BEFORE_SECONDS if begins else ASK_SECONDS)
        if self._claim.id not in waiting:
            return None
        database = self._context.database
        with database.read() as connection:
            if not changes.waiting_at(connection, self._claim.id, self._moment[1]):
                return None
        progress = self._progress(resume_point=False)
        spec = changes.make(database, self._claim, progress, self._moment)
        self._flushed(now, is_stored=spec is not None)
        self._context.queue.notify_watchers(self._claim.id)
        if spec is None:
            return None
        is_changed = spec.changes != self._changing_spec.changes
        self._changing_spec = spec
        if self._pace != spec.pace:
            self._set_pace(spec.pace)
        return spec.changes[-1].training if is_changed else None

    def _set_pace(self, pace: float) -> None:
        """Train so many epochs a second, or as many as possible: 0."""
        self._pace, self._next_at = pace, perf_counter()
        self._run.most_ahead = self._ahead(self._run.most_ahead)

    def _is_at_pause(self) -> bool:
        return self._run.epoch >= self._pause_epoch and self._run.outcome is None

    def _ahead(self, epochs: float) -> float:
        """Return how many epochs the engine may train at once, at most `epochs`."""
        epochs = min(epochs, max(1, self._pause_epoch - self._run.epoch))
        return min(epochs, max(1.0, self._pace * ROUND_SECONDS)) if self._pace else epochs

    def _take(self) -> tuple[list[Entry], str | None]:
        entries: list[Entry] = []
        latest: str | None = None
        blocks, self._earlier = [*self._earlier, *self._run.take()], []
        counts = [len(block.columns["train_loss"]) for block in blocks]
        # The engine may compute short epochs together, so only their mean time is known.
        seconds_per_epoch = (perf_counter() - self._taken_at) / max(1, sum(counts))
        if blocks:
            self._run.most_ahead = self._ahead(ROUND_SECONDS / seconds_per_epoch)
        for block, count in zip(blocks, counts, strict=True):
            seconds = np.full(count, seconds_per_epoch)
            entry = entry_of(block, seconds, after=self._stored_epoch)
            if entry is not None:
                entries.append(entry)
                self._stored_epoch = entry.last_epoch
                latest = latest_row(block.first_epoch, {**block.columns, "seconds": seconds})
        if blocks:
            self._taken_at = perf_counter()
        return entries, latest

    def _new_baselines(self) -> str | None:
        if self._run.epoch > 0:
            return None
        return baselines.of_job(self._run, self._prepared.dataset).model_dump_json()

    def _record_weights(self) -> None:
        outcome = self._run.outcome
        diverged = outcome is not None and outcome.divergence is not None
        # After a divergence, the engine holds the weights of the last finite epoch.
        epoch = self._run.epoch - 1 if diverged else self._run.epoch
        self._weights[epoch] = weights = pack({**self._run.weights(), **self._prepared.scaling})
        self._pending_bytes += len(weights)

    def _record_best_weights(self) -> None:
        best = self._run.best()
        if best is not None:
            self._weights.setdefault(best.epoch, pack({**best.weights, **self._prepared.scaling}))

    def _best(self) -> str | None:
        return dump_best(self._run.best())

    def _state(self) -> engine.State:
        state = self._run.state()
        # A job that ends without a worker gets its best checkpoint from here.
        scaling = {f"{BEST}{name}": array for name, array in self._prepared.scaling.items()}
        return replace(state, arrays={**state.arrays, **scaling})

    def _outcome(self) -> Ending:
        outcome = self._run.outcome
        assert outcome is not None
        divergence = outcome.divergence
        if divergence is None:
            return Ending("succeeded", outcome.stop_reason, measures=self._measures())
        return Ending(
            "failed",
            "diverged",
            detail=f"Epoch {divergence.epoch}, {divergence.layer}: {divergence.symptom}",
            divergence={
                "epoch": divergence.epoch,
                "layer": divergence.layer,
                "symptom": divergence.symptom,
                "suggestion": divergence.suggestion,
            },
        )

    def _measures(self) -> dict[str, float | None]:
        """Return the measures that the claims of the job's experiment ask for, by name. One that
        takes more memory than there is does not fail the job, and is absent.
        """
        database, job = self._context.database, self._claim.job
        if job.experiment_id is None:
            return {}
        with database.read() as connection:
            required = claims.to_measure(connection, job)
        # Measures may take seconds, and read the epochs: store them first.
        if not required or self._flush(perf_counter()) is None:
            return {}
        finished = Finished(job, self._run.epoch, self._prepared, self._answering())
        measures = {}
        for measure, claim in required.items():
            try:
                measures[measure] = measured(database, finished, claim)
            except MemoryError:
                logger.warning("not_measured", job=job.id, measure=measure)
        return measures

    def _answering(self) -> Trained:
        """Return the network with the weights that the job answers with."""
        best, stopping = self._run.best(), self._spec.early_stopping
        if best is not None and stopping is not None and stopping.restore_best:
            epoch, weights = best.epoch, best.weights
        else:
            epoch, weights = self._run.epoch, self._run.weights()
        spec = spec_at(self._changing_spec, epoch)
        arrays = {**weights, **self._prepared.scaling}
        return Trained(self._claim.job.owner, spec, network_of(spec), epoch, arrays)
