"""The loop of a run or a sweep: rounds of epochs, with results that are computed together.

    train some epochs into the slots 1, 2, … ── compute their results ── yield each epoch
    ── copy the last slot to slot 0 ── train …

A run is the loop of one member. A sweep has many, in arrays with a leading axis of members.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..data.data import Data
from ..model.losses import find_loss
from ..model.metrics import LOGITS, Measure, answers_of, columns_of, measure
from ..model.network import Network
from ..optimize.stopping import GROWTH, Progress, StopReason, epochs_at_one_rate, follow
from ..symbolic.plan import perform
from ..symbolic.threads import one_thread
from ..symbolic.trace import Array
from ..walk import chosen_engine, python_calls, record_epochs, states, table_of
from ..walk.recording import ChangingMeasurement, Measurement, Recorder
from .blocks import LARGEST_BLOCK, Block, cut, join
from .divergence import Divergence, explain
from .epoch import Segment, compiled_segments
from .probe import Probe
from .record_buffer import Record, RecordBuffer
from .snapshots import (
    Gradients,
    LayerSlices,
    empty_snapshots,
    snapshot_bytes,
    take_snapshots,
)
from .streams import Streams
from .training import Training

WITHIN = "within:"
"""Before the names of arrays that a state within an epoch has beside those before the epoch."""


@dataclass(frozen=True)
class Outcome:
    """Why a run ended."""

    stop_reason: StopReason
    divergence: Divergence | None = None


@dataclass(frozen=True, eq=False)
class State:
    """Everything that a run or a sweep needs to continue as if it had not been interrupted.

    `arrays` holds parameters and the optimizer's moments; `values` is plain JSON: epoch, states of
    the random streams and of the stopping rules.
    """

    arrays: dict[str, Array]
    values: dict[str, Any]

    def current(self, name: str) -> Array:
        """Return an array as it is: of a state within an epoch, not as it was before the epoch."""
        return self.arrays.get(f"{WITHIN}{name}", self.arrays[name])


@dataclass(frozen=True, eq=False)
class Ending:
    """How a member ended: after `epoch`, with the parameters `weights` `(size,)`."""

    epoch: int
    outcome: Outcome
    weights: Array


class Loop:
    """The common part of runs and sweeps. The loop of a subclass begins with `_start`.

    The numbers of member k are at `indices[k]` of each array of the record: at `()` if there is no
    axis of members. The epochs read the learning rates of all members from `rate`, which has the
    same order.
    """

    look_ahead: ClassVar[float]
    """Approximate seconds of training before the results are computed together. A quarter of that
    at first, and then at most twice the time so far: the first epochs are available soon, and a
    short run wastes little work."""
    buffer_bytes: ClassVar[int]
    """Memory for records. A loop that needs more has two of them."""
    longest_round: ClassVar[int]
    """Largest number of epochs in a round, which computes their results together."""

    def __init__(
        self,
        network: Network,
        trainings: Sequence[Training],
        data: Data,
        record: Record,
        rate: Array,
        indices: Sequence[tuple[int, ...]],
        streams: Sequence[Streams],
    ) -> None:
        self.network, self.trainings, self.data = network, tuple(trainings), data
        self.epoch = 0
        """Completed epochs that have been yielded."""
        self.at_boundary = True
        """False when the loop yields in the middle of an epoch."""
        self.step = 0
        """Steps of the epoch at whose middle the loop yields."""
        self.last_epoch = trainings[0].epochs
        """The epoch after which the loop ends."""
        self._steps_taken = 0
        """Steps of the first epoch that were taken before."""
        self.most_ahead = math.inf
        """Largest number of epochs in a round, for a caller who measures them and wants to do
        something else soon. No result depends on it."""
        self._record, self._rate, self._streams = record, rate, streams
        self._indices = indices
        self._order = sorted(range(len(trainings)), key=indices.__getitem__)
        # The state of the stopping rules of each member, for each slot.
        self._progress = [[Progress()] for _ in trainings]
        self._endings: dict[int, Ending] = {}

    @classmethod
    def epochs_ahead(cls, epoch_seconds: float, epoch_bytes: int) -> int:
        """Return the number of epochs to train before their results are computed together, from the
        duration and the stored bytes of one.
        """
        by_time, by_memory = cls.look_ahead / epoch_seconds, cls.buffer_bytes / max(epoch_bytes, 1)
        return max(1, min(cls.longest_round, int(by_time), int(by_memory)))

    def _start(self, segments: list[Segment], targets: Array | None) -> None:
        """Prepare to train by these segments, from the numbers in the record on.

        They fill `targets` `(copies, n, …)` in every epoch if the samples are corrupted.
        """
        first = self.trainings[0]
        self.engine = chosen_engine()
        """Which engine walks through the calls: `compiled` or `python`."""
        self._segments = compiled_segments(segments)
        shuffles = first.is_shuffled(len(self.data.train_inputs))
        self._changes_targets = targets is not None
        changes = len(first.augmentation) > 0 or self._changes_targets
        is_rest = not self.at_boundary
        self._draws = shuffles or self.network.has_noise or changes or is_rest
        self._layer_slices = LayerSlices(self.network)
        is_run = self._indices == [()]
        self._probe = Probe(self.network, self.data.train_inputs, first.dtype, alone=is_run)
        loss = find_loss(first.loss)
        answers = answers_of(loss, self.data)
        self._measures: dict[str, Measure] = {
            part: Measurement(loss, part_of) for part, part_of in answers.items()
        }
        if targets is not None:
            self._measures["train"] = ChangingMeasurement(loss, targets, answers["train"].weights)
        recorder = self._recorder_maker() if is_run else None
        # Arrays that every epoch computes are not recorded.
        self._state = self._record if recorder is None else self._record.beginning(2)
        self._ahead = self._most_ahead()
        length = max(1, min(self._ahead, self.last_epoch - self.epoch))  # no room for more epochs
        self._recorder = None if recorder is None else recorder(length)
        self._buffer = RecordBuffer(self._state, length)
        generators = [g for streams in self._streams for g in streams.drawn.values()]
        self._states = states.GeneratorStates(generators, length)
        np.copyto(self._buffer.slots[0], self._state.vector)
        self._slot = 0  # the record of the last state that was yielded
        self._blocks: list[list[Block]] = [[] for _ in self.trainings]
        self._taken = self.epoch
        self._epochs = self._train()

    @property
    def python_calls(self) -> int:
        """Calls of an epoch that Python makes."""
        return sum(python_calls(segment.calls) for segment in self._segments)

    def __iter__(self) -> Iterator[int]:
        """Yield the number of completed epochs, after every epoch.

        In a long epoch the same number is yielded about every 50 ms, so that the caller can do
        something else or stop. A second loop continues where the first one stopped.
        """
        return self._epochs

    @property
    def outcomes(self) -> tuple[Outcome | None, ...]:
        """Why each member ended; None while it trains."""
        endings = (self._ending(member) for member in range(len(self.trainings)))
        return tuple(None if ending is None else ending.outcome for ending in endings)

    # ---------------------------------------------------------------------------- for subclasses

    def _ending(self, member: int) -> Ending | None:
        """Return how a member ended; None if its last epoch has not been yielded."""
        ending = self._endings.get(member)
        return None if ending is None or ending.epoch > self.epoch else ending

    def _take(self) -> list[list[Block]]:
        """Return for each member the epochs since the last call, in blocks of at most 1,024."""
        taken: list[list[Block]] = [[] for _ in self._blocks]
        if self._taken < self.epoch:
            for blocks, new in zip(self._blocks, taken, strict=True):
                if blocks:
                    whole = cut(join(blocks), self._taken + 1, self.epoch)
                    for first in range(whole.first_epoch, whole.last_epoch + 1, LARGEST_BLOCK):
                        new.append(cut(whole, first, first + LARGEST_BLOCK - 1))
                blocks[:] = [block for block in blocks if block.last_epoch > self.epoch]
        self._taken = self.epoch
        return taken

    def _vector(self, member: int) -> Array:
        """Return a copy of a member's parameters `(size,)` after its last completed epoch; after a
        divergence, after the last epoch before it.
        """
        ending = self._ending(member)
        if ending is not None:
            return ending.weights.copy()
        vector: Array = self._buffer.arrays["parameters"][(self._slot, *self._indices[member])]
        return vector.copy()

    def _check_boundary(self) -> None:
        """Raise RuntimeError in the middle of an epoch."""
        if not self.at_boundary:
            raise RuntimeError("there is no state to continue from in the middle of an epoch")

    def _restore(
        self, state: State, restored: Mapping[str, Array], progress: Sequence[Mapping[str, Any]]
    ) -> None:
        """Copy arrays of a state to the arrays of `restored`, and restore epoch and stopping rules.

        Raises ValueError if an array is missing or has another shape.
        """
        for name, view in restored.items():
            array = state.arrays.get(name)
            if array is None or array.shape != view.shape:
                shape = None if array is None else array.shape
                raise ValueError(f"the state's {name} should have shape {view.shape}, not {shape}")
            np.copyto(view, array)
        self._progress = [[Progress(**values)] for values in progress]
        self.epoch = int(state.values["epoch"])

    def _random(self, slot: int) -> list[dict[str, Any]]:
        """Return the states of the random streams after the epoch in a slot."""
        at_slot = iter(self._states.at(slot if self._draws else 0))
        return [dict(zip(streams.drawn, at_slot, strict=False)) for streams in self._streams]

    # ------------------------------------------------------------------------------------ inside

    def _most_ahead(self) -> int:
        """Return the largest number of epochs in a round."""
        if len(self._segments) > 1 or self._changes_targets:
            return 1
        seen = len(self.trainings) * snapshot_bytes(self.network, self.trainings[0])
        return self.epochs_ahead(self._segments[0].seconds, self._state.vector.nbytes + seen)

    def _train(self) -> Iterator[int]:
        while self.epoch < self.last_epoch and len(self._endings) < len(self.trainings):
            self._rewind()
            certain = min(
                epochs_at_one_rate(slots[0], training.schedule)
                for slots, training in zip(self._progress, self.trainings, strict=True)
            )
            ahead = min(self._ahead, max(math.ceil(self._ahead / 4), 2 * self.epoch))
            ahead = max(1, int(min(ahead, self.most_ahead)))
            rates = self._learning_rates(int(min(ahead, self.last_epoch - self.epoch, certain)))
            for _ in self._advance(rates):
                self.at_boundary = False
                yield self.epoch
            self.at_boundary = True
            for slot in range(1, self._compute_results(rates[:, : self._advanced]) + 1):
                self.epoch += 1
                self._slot = slot
                yield self.epoch

    def _rewind(self) -> None:
        """Move the state of the last epoch to slot 0."""
        self._buffer.restart(self._slot)
        if self._draws:
            self._states.restart(self._slot)
        self._progress = [[slots[self._slot]] for slots in self._progress]
        self._slot = 0

    def _learning_rates(self, count: int) -> Array:
        """Return the rates of the members in the next epochs, `(members, count)`."""
        rules = [
            (training.schedule.values, training.optimizer.learning_rate * slots[0].rate_factor)
            for training, slots in zip(self.trainings, self._progress, strict=True)
        ]
        total, epochs = self.trainings[0].epochs, range(self.epoch, self.epoch + count)
        return np.stack([values(epochs, total, base) for values, base in rules])

    def _advance(self, rates: Array) -> Iterator[None]:
        """Train one epoch for each column of rates into the slots from 1 on; yield between
        segments.
        """
        count = rates.shape[1]
        ordered = np.ascontiguousarray(
            rates[self._order].T.reshape(count, *self._rate.shape), self._rate.dtype
        )
        # An epoch of several segments is long and trained alone; only the last one is in the loop.
        *segments, last = self._segments
        self.step, self._steps_taken = self._steps_taken, 0
        np.copyto(self._rate, ordered[0])
        for segment in segments:
            with np.errstate(all="ignore"):
                perform(segment.calls)
            self.step += segment.steps
            yield
        if self._recorder is not None:
            self._recorder.start(self._progress[0][0].first_loss)
        with one_thread(), np.errstate(all="ignore"):
            self._advanced = record_epochs(
                last.calls,
                ordered,
                self._rate,
                self._state.vector,
                self._buffer.slots[1 : 1 + count],
                self._states if self._draws else None,
                self._recorder,
                self.epoch + 1,
            )

    def _compute_results(self, rates: Array) -> int:
        """Compute the members' rows from the slots from 1 on, and whether they end.

        Return the slot of the last epoch of a member.
        """
        first, (members, count) = self.epoch + 1, rates.shape
        with np.errstate(all="ignore"):
            columns, are_finite, snapshots = self._results(np.arange(first, first + count))
            columns |= self._more_columns()
        last = 0
        for row, member in enumerate(self._order):
            progress = self._progress[member]
            if member in self._endings:
                progress *= count + 1
                continue
            training = self.trainings[member]
            at: tuple[Any, ...] = (slice(None), *self._indices[member])
            member_columns = {name: column[at] for name, column in columns.items()}
            member_columns["learning_rate"] = rates[member]
            followed = follow(
                progress[0],
                member_columns,
                are_finite[at],
                training.early_stopping,
                training.target,
                training.schedule,
            )
            slot = len(followed)
            last = max(last, slot)
            progress += followed + followed[-1:] * (count - slot)
            gradients = None if snapshots is None else _of_row(snapshots, row, members)
            block = Block(first, member_columns, gradients)
            self._blocks[member].append(cut(block, first, self.epoch + slot))
            reason = followed[-1].stop_reason
            if reason is None and self.epoch + slot == training.epochs:
                reason = "completed"
            if reason is not None:
                self._end(member, slot, reason, member_columns)
        return last

    def _results(self, epochs: Array) -> tuple[dict[str, Array], Array, Gradients | None]:
        """Return the columns of the epochs in the slots from 1 on, whether their parameters are
        finite, and their snapshots.
        """
        count, every = len(epochs), self.trainings[0].gradients_every
        if self._recorder is None:
            records = {name: record[1 : count + 1] for name, record in self._buffer.arrays.items()}
            squares = {
                name: self._layer_slices.squares(records[name])
                for name in ("gradient", "parameters")
            }
            return *measure(self._measures, records, squares), self._snapshots(
                epochs, records, squares
            )
        columns = columns_of(self._recorder.metrics(count), self._recorder.squares(count))
        due = epochs[:0] if every == 0 else epochs[-epochs[0] % every :: every]
        if len(due) == 0:
            return *columns, None
        statistics, histogram = self._recorder.snapshots(len(due))
        return *columns, Gradients(due, self._layer_slices.layers, statistics, histogram)

    def _recorder_maker(self) -> Callable[[int], Recorder] | None:
        """Return what makes the recorder of rounds of a length; None where Python computes some of
        the results.
        """
        last, now = self._segments[-1].calls, self._record.arrays
        every, slices = self.trainings[0].gradients_every, self._layer_slices
        measures = {
            part: measure_
            for part, measure_ in self._measures.items()
            if isinstance(measure_, Measurement)
            and measure_.fields(now[LOGITS[part]].shape[-1]) is not None
        }
        looks, outputs = ([], []) if every == 0 else self._probe.bound(now["parameters"])
        if (
            table_of(last) is None
            or (self._draws and not states.layout_is_known())
            or len(measures) < len(self._measures)
            or (every > 0 and table_of(looks) is None)
        ):
            return None

        def make(length: int) -> Recorder:
            snapshots = 0 if every == 0 else math.ceil(length / every)
            room = empty_snapshots(slices, snapshots, self._record.vector.dtype)
            return Recorder(
                slices.for_walk, now, measures, every, looks, outputs, *room, GROWTH, length
            )

        return make

    def _more_columns(self) -> dict[str, Array]:
        """Return further columns of the epochs, for subclasses that have some."""
        return {}

    def _snapshots(
        self, epochs: Array, records: Mapping[str, Array], squares: Mapping[str, Array]
    ) -> Gradients | None:
        """Return the snapshots of the epochs that are due, epoch by epoch for all members."""
        every = self.trainings[0].gradients_every
        if every == 0:
            return None
        chosen = slice(-epochs[0] % every, None, every)
        epochs = epochs[chosen]
        if len(epochs) == 0:
            return None
        rows, sums = (
            {name: array[chosen].reshape(-1, array.shape[-1]) for name, array in arrays.items()}
            for arrays in ({n: records[n] for n in ("gradient", "step", "parameters")}, squares)
        )
        epochs = np.repeat(epochs, len(self.trainings))
        return take_snapshots(self._layer_slices, self._probe, epochs, rows, sums)

    def _end(self, member: int, slot: int, reason: StopReason, columns: dict[str, Array]) -> None:
        """Record that a member ends with the epoch in a slot; after a divergence, with the weights
        before it.
        """
        epoch, index, records = self.epoch + slot, self._indices[member], self._buffer.arrays
        # A recorder ends a round with the epoch that diverged, so its numbers are current.
        ended = {name: array[slot] for name, array in records.items()}
        if self._recorder is not None:
            ended = self._record.arrays
        divergence = None
        if reason == "diverged":
            names = [name for name in ("train_loss", "validation_loss") if name in columns]
            divergence = explain(
                epoch,
                self.network,
                self.trainings[member],
                self.data.train_inputs,
                *(ended[name][index] for name in ("parameters", "gradient", "step")),
                loss_is_finite=all(math.isfinite(columns[name][slot - 1]) for name in names),
            )
            slot -= 1
        weights = records["parameters"][(slot, *index)].copy()
        self._endings[member] = Ending(epoch, Outcome(reason, divergence), weights)


def _of_row(snapshots: Gradients, row: int, members: int) -> Gradients:
    rows = slice(row, None, members)
    return Gradients(
        snapshots.epochs[rows],
        snapshots.layers,
        snapshots.statistics[rows],
        snapshots.histogram[rows],
    )
