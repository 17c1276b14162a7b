"""A sweep trains one network many times over at once: the same data, other rates, seeds or weights.

    sweep = Sweep(network, [Training(…, Adam(rate)) for rate in rates], data)
    for epoch in sweep:
        ...             # as often as you like: sweep.take(), sweep.weights(k), sweep.state()
    sweep.outcomes

Every member is the run that it would have been alone, up to rounding: it starts from the weights of
its own seed and meets the samples in the order of that seed. All numbers have a leading axis, one
row for each member, and one list of NumPy calls trains all of them. A member that is over, or no
longer finite, is carried along without harm to others; its numbers are those of its last epoch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..data.data import Data
from ..model.losses import find_loss
from ..model.metrics import answers_of, measure
from ..model.network import Network, parameter_views
from ..optimize.stopping import Progress, StopReason, epochs_at_one_rate, follow
from ..symbolic.plan import perform
from ..symbolic.threads import one_thread
from ..symbolic.trace import Array
from ..walk import chosen_engine, python_calls, record_epochs
from .blocks import LARGEST_BLOCK, Block, cut, join
from .divergence import Divergence, explain
from .epoch import PULSE, compiled_segments, record_shapes, steps_per_epoch
from .lockstep import compile_epochs
from .members import check_alike, groups_of, initial_parameters, kind
from .probe import Probe
from .record_buffer import Record, RecordBuffer
from .run import LONGEST_BUFFER, Outcome, State, check_data
from .snapshots import Gradients, LayerSlices, take_snapshots
from .streams import Streams
from .training import Training, check_output

BUFFER_BYTES = 32_000_000
"""Memory for records; a sweep for which it is too little keeps two of them."""


@dataclass(frozen=True, eq=False)
class _Ending:
    """How a member ended: `weights` `(size,)` are those to keep."""

    epoch: int
    outcome: Outcome
    weights: Array


class Sweep:
    """The training of many members in progress; `trainings[k]` is that of member k.

    They may differ in the numbers of the optimizer, the schedule, penalties, clipping, the stopping
    rules and the seed; their networks, one for all or one for each, in the initial weights: see
    `with_initializer`. Raises ValueError if they differ in anything else, or do not fit the data.
    """

    def __init__(
        self,
        network: Network | Sequence[Network],
        trainings: Sequence[Training],
        data: Data,
        state: State | None = None,
    ) -> None:
        networks = [network] * len(trainings) if isinstance(network, Network) else [*network]
        check_alike(networks, trainings)
        network = networks[0]
        check_output(network, trainings[0].loss)
        for training in trainings:
            data = check_data(network, training, data)
        self.network, self.trainings, self.data = network, tuple(trainings), data
        self.epoch = 0
        """Completed epochs, as far as they have been handed out."""
        self.at_boundary = True
        """False at a pulse in the middle of an epoch."""
        count = len(self.trainings)
        first = self.trainings[0]
        # Members of one optimizer lie side by side, so that one call steps all of them.
        self._order = sorted(range(count), key=lambda k: kind(self.trainings[k]))
        self._row = {member: row for row, member in enumerate(self._order)}
        ordered = [self.trainings[member] for member in self._order]
        one_seed = len({training.seed for training in ordered}) == 1
        self._streams = [Streams.from_seed(t.seed) for t in (ordered[:1] if one_seed else ordered)]

        shapes = record_shapes(network, first, data)
        size = shapes["parameters"][0]
        members = {name: (count, *shapes[name]) for name in shapes if name != "moments"}
        self._groups = groups_of(ordered)
        moments = {
            f"moments_{g}": (group.optimizer.moments, (group.end - group.start) * size)
            for g, group in enumerate(self._groups)
        }
        self._record = Record({**members, **moments}, first.dtype)
        self._persisted = ("parameters", *moments)
        # What the stopping rules remember of each member, for each slot.
        self._progress = [[Progress()] for _ in range(count)]
        self._endings: dict[int, _Ending] = {}
        if state is None:
            initial_parameters(
                [networks[member] for member in self._order],
                [training.seed for training in ordered],
                self._record.arrays["parameters"],
            )
        else:
            self._restore(state)
        self._stream_states = [self._random()]

        self._rates = np.zeros((count, 1), first.dtype)
        steps = steps_per_epoch(first, data)
        self.engine = chosen_engine()
        """Which engine walks through the calls: `compiled` or `python`."""
        self._segments = compiled_segments(
            compile_epochs(
                network,
                ordered,
                data,
                self._groups,
                self._record.arrays,
                self._rates,
                self._streams,
                self.epoch * steps,
            )
        )
        shuffles = first.shuffle and steps > 1
        self._draws = shuffles or network.has_noise or len(first.augmentation) > 0
        self._buffer = RecordBuffer(self._record, self._look_ahead())
        np.copyto(self._buffer.slots[0], self._record.vector)
        self._slot = 0  # the record of the last state that was handed out
        self._layer_slices = LayerSlices(network)
        self._probe = Probe(network, data.train_inputs, first.dtype)
        self._loss = find_loss(first.loss)
        self._answers = answers_of(self._loss, data)
        self._blocks: list[list[Block]] = [[] for _ in range(count)]
        self._taken = self.epoch
        self._epochs = self._train()

    @property
    def python_calls(self) -> int:
        """Calls of an epoch that Python makes."""
        return sum(python_calls(segment.calls) for segment in self._segments)

    def __iter__(self) -> Iterator[int]:
        """The number of completed epochs, after every epoch; for the rest see `Run.__iter__`."""
        return self._epochs

    @property
    def outcomes(self) -> tuple[Outcome | None, ...]:
        """Why each member is over; None for those that are not."""
        return tuple(
            ending.outcome if ending is not None and ending.epoch <= self.epoch else None
            for ending in (self._endings.get(k) for k in range(len(self.trainings)))
        )

    @property
    def epochs(self) -> tuple[int, ...]:
        """The last completed epoch of each member."""
        return tuple(
            min(self.epoch, self._endings[k].epoch if k in self._endings else self.epoch)
            for k in range(len(self.trainings))
        )

    def take(self) -> list[list[Block]]:
        """For each member its epochs since they were last taken, in blocks of at most 1,024."""
        taken = []
        for member, blocks in enumerate(self._blocks):
            fresh: list[Block] = []
            if blocks:
                whole = cut(join(blocks), self._taken + 1, self.epoch)
                fresh = [
                    cut(whole, first, first + LARGEST_BLOCK - 1)
                    for first in range(whole.first_epoch, whole.last_epoch + 1, LARGEST_BLOCK)
                ]
            taken.append(fresh)
            self._blocks[member] = [b for b in blocks if b.last_epoch > self.epoch]
        self._taken = self.epoch
        return taken

    def weights(self, member: int) -> dict[str, Array]:
        """Copies of a member's parameters by name, after its last completed epoch.

        After a divergence: after the last epoch before it.
        """
        ending = self._endings.get(member)
        if ending is not None and ending.epoch <= self.epoch:
            return parameter_views(self.network, ending.weights.copy())
        vector = self._buffer.arrays["parameters"][self._slot, self._row[member]]
        return parameter_views(self.network, vector.copy())

    def state(self) -> State:
        """What it takes to go on after the last completed epoch.

        Raises RuntimeError in the middle of an epoch.
        """
        if not self.at_boundary:
            raise RuntimeError("there is no state to go on from in the middle of an epoch")
        over = {k: e for k, e in self._endings.items() if e.epoch <= self.epoch}
        arrays = {name: self._buffer.arrays[name][self._slot].copy() for name in self._persisted}
        if over:
            arrays["endings"] = np.stack([ending.weights for ending in over.values()])
        return State(
            arrays=arrays,
            values={
                "epoch": self.epoch,
                "random": self._stream_states[self._slot],
                "progress": [asdict(progress[self._slot]) for progress in self._progress],
                "endings": [
                    {"member": k, "epoch": e.epoch, "outcome": asdict(e.outcome)}
                    for k, e in over.items()
                ],
            },
        )

    # ---------------------------------------------------------------- inside

    def _restore(self, state: State) -> None:
        for name in self._persisted:
            array, place = state.arrays.get(name), self._record.arrays[name]
            if array is None or array.shape != place.shape:
                shape = None if array is None else array.shape
                raise ValueError(f"the state's {name} should have shape {place.shape}, not {shape}")
            np.copyto(place, array)
        for stream, states in zip(self._streams, state.values["random"], strict=True):
            stream.restore(states)
        self._progress = [[Progress(**values)] for values in state.values["progress"]]
        self.epoch = int(state.values["epoch"])
        for ending, weights in zip(
            state.values["endings"], state.arrays.get("endings", ()), strict=True
        ):
            why = ending["outcome"]["divergence"]
            outcome = Outcome(
                ending["outcome"]["stop_reason"], None if why is None else Divergence(**why)
            )
            self._endings[ending["member"]] = _Ending(ending["epoch"], outcome, weights)

    def _random(self) -> list[dict[str, Any]]:
        return [streams.states() for streams in self._streams]

    def _look_ahead(self) -> int:
        """How many epochs are trained before their results are worked out together."""
        if len(self._segments) > 1:
            return 1
        # Working out takes some time for each member, however few the epochs.
        by_time = PULSE / self._segments[0].seconds
        by_memory = BUFFER_BYTES / max(self._record.vector.nbytes, 1)
        return max(1, min(LONGEST_BUFFER, int(by_time), int(by_memory)))

    def _train(self) -> Iterator[int]:
        epochs = self.trainings[0].epochs
        while self.epoch < epochs and len(self._endings) < len(self.trainings):
            surely = min(
                epochs_at_one_rate(slots[0], training.schedule)
                for slots, training in zip(self._progress, self.trainings, strict=True)
            )
            count = int(min(len(self._buffer.slots) - 1, epochs - self.epoch, surely))
            rates = self._learning_rates(count)
            for _ in self._advance(rates):
                self.at_boundary = False
                yield self.epoch
            self.at_boundary = True
            last = self._work_out(rates)
            for slot in range(1, last + 1):
                self.epoch += 1
                self._slot = slot
                yield self.epoch
            np.copyto(self._buffer.slots[0], self._buffer.slots[self._slot])
            self._stream_states = [self._stream_states[self._slot]]
            self._progress = [[slots[self._slot]] for slots in self._progress]
            self._slot = 0

    def _learning_rates(self, count: int) -> Array:
        """Of the members in the next epochs, `(count, members)`."""
        rules = [
            (training.schedule.value, training.optimizer.learning_rate * slots[0].rate_factor)
            for training, slots in zip(self.trainings, self._progress, strict=True)
        ]
        epochs, now = self.trainings[0].epochs, self.epoch
        return np.array(
            [[value(now + k, epochs, base) for value, base in rules] for k in range(count)]
        )

    def _advance(self, rates: Array) -> Iterator[None]:
        """Train one epoch for each row of rates into the slots from 1 on; yield at every pulse."""
        ordered = np.ascontiguousarray(rates[:, self._order, None], self._rates.dtype)
        *segments, last = self._segments
        np.copyto(self._rates, ordered[0])
        for segment in segments:
            with np.errstate(all="ignore"):
                perform(segment.calls)
            yield
        together = 1 if self._draws else len(rates)
        with one_thread(), np.errstate(all="ignore"):
            for first in range(0, len(rates), together):
                record_epochs(
                    last.calls,
                    ordered[first : first + together],
                    self._rates,
                    self._record.vector,
                    self._buffer.slots[1 + first : 1 + first + together],
                )
                states = self._random() if self._draws else self._stream_states[0]
                self._stream_states += [states] * together

    def _work_out(self, rates: Array) -> int:
        """From the records in the slots from 1 on, the members' rows, and what ends them.

        `rates` is `(epochs, members)`. Returns the slot of the last epoch that somebody lives to.
        """
        first, (count, members) = self.epoch + 1, rates.shape
        training = self.trainings[0]
        records = {
            name: self._buffer.arrays[name][1 : count + 1]
            for name in ("parameters", "gradient", "step", "logits", "validation_logits")
        }
        with np.errstate(all="ignore"):
            squares = {
                name: self._layer_slices.squares(records[name])
                for name in ("gradient", "parameters")
            }
            columns, are_finite = measure(self._loss, records, self._answers, squares)
            every = training.gradients_every
            chosen = np.arange(first, first + count)
            chosen = chosen[chosen % every == 0] if every > 0 else chosen[:0]
            snapshots = None
            if len(chosen) > 0:
                # The chosen epochs of each member, one after the other.
                named = {name: records[name] for name in ("gradient", "step", "parameters")}
                rows, sums = (
                    {n: a[chosen - first].reshape(-1, a.shape[-1]) for n, a in arrays.items()}
                    for arrays in (named, squares)
                )
                epochs = np.repeat(chosen, members)
                snapshots = take_snapshots(self._layer_slices, self._probe, epochs, rows, sums)
        last = 0
        for member, training in enumerate(self.trainings):
            remembered = self._progress[member]
            if member in self._endings:
                remembered *= count + 1
                continue
            row = self._row[member]
            member_columns = {name: column[:, row] for name, column in columns.items()}
            member_columns["learning_rate"] = rates[:, member]
            progress = follow(
                remembered[0],
                member_columns,
                are_finite[:, row],
                training.early_stopping,
                training.target,
                training.schedule,
            )
            lived = len(progress)
            remembered += progress + progress[-1:] * (count - lived)
            last = max(last, lived)
            block = Block(first, member_columns, _of_member(snapshots, chosen, row, members))
            self._blocks[member].append(cut(block, first, first + lived - 1))
            reason = progress[-1].stop_reason
            if reason is None and first + lived - 1 == training.epochs:
                reason = "completed"
            if reason is not None:
                self._end(member, lived, reason, member_columns)
        return last

    def _end(self, member: int, slot: int, reason: StopReason, columns: dict[str, Array]) -> None:
        """Note that a member ends with the epoch in a slot, and the weights that it leaves."""
        epoch, row = self.epoch + slot, self._row[member]
        records = self._buffer.arrays
        divergence = None
        if reason == "diverged":
            losses = [
                columns[n][slot - 1] for n in ("train_loss", "validation_loss") if n in columns
            ]
            divergence = explain(
                epoch,
                self.network,
                self.trainings[member],
                self.data.train_inputs,
                *(records[name][slot, row] for name in ("parameters", "gradient", "step")),
                loss_is_finite=bool(np.isfinite(losses).all()),
            )
            slot -= 1
        weights = records["parameters"][slot, row].copy()
        self._endings[member] = _Ending(epoch, Outcome(reason, divergence), weights)


def _of_member(
    snapshots: Gradients | None, epochs: Array, row: int, members: int
) -> Gradients | None:
    if snapshots is None:
        return None
    rows = slice(row, None, members)
    return Gradients(
        epochs, snapshots.layers, snapshots.statistics[rows], snapshots.histogram[rows]
    )
