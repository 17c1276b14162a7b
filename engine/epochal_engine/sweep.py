"""A sweep trains one network many times over at once: the same data, other rates or other seeds.

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

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import groupby, pairwise
from typing import Any

import numpy as np

from .blocks import LARGEST_BLOCK, Block, cut, join
from .data import Data
from .divergence import Divergence, explain
from .epoch import (
    BATCHES_AT_ONCE,
    FLOPS_PER_SECOND,
    PULSE,
    SECONDS_PER_CALL,
    SECONDS_PER_CHANGE,
    Stretch,
    joined,
    record_shapes,
    steps_per_epoch,
)
from .losses import find_loss
from .metrics import measure
from .network import Network, parameter_leaves, parameter_views
from .optimizers import weight_mask
from .plan import Plan, perform
from .predict import SAMPLES_AT_ONCE as SAMPLES_IN_A_CHANGE
from .probe import Probe
from .reel import Moment, Reel
from .replicas import replicate
from .run import LONGEST_REEL, LOOK_AHEAD, Outcome, State, check_data
from .snapshots import Gradients, Segments, take_snapshots
from .step import Gradient, draw, penalties
from .stopping import Progress, StopReason, epochs_at_one_rate, follow
from .streams import Streams
from .trace import Array, Call, Symbol, leaf
from .training import Training, check_output

SECONDS_PER_MEMBER = 0.05e-6
"""What each member adds to a call, about."""
REEL_BYTES = 32_000_000
"""Memory for records; a sweep for which it is too little keeps two of them."""
SAMPLES_AT_ONCE = 16_384
"""Samples in one validation pass, all members together."""


@dataclass(frozen=True, eq=False)
class _Ending:
    """How a member ended: `weights` `(size,)` are those to keep."""

    epoch: int
    outcome: Outcome
    weights: Array


class Sweep:
    """The training of many members in progress; `trainings[k]` is that of member k.

    They may differ in the numbers of the optimizer, the schedule, l2, clipping, the stopping rules
    and the seed. Raises ValueError if they differ in anything else, or do not fit network and data.
    """

    def __init__(
        self,
        network: Network,
        trainings: Sequence[Training],
        data: Data,
        state: State | None = None,
    ) -> None:
        _check_alike(trainings)
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
        self._order = sorted(range(count), key=lambda k: _kind(self.trainings[k]))
        self._row = {member: row for row, member in enumerate(self._order)}
        own = [self.trainings[member] for member in self._order]
        one_seed = len({training.seed for training in own}) == 1
        self._streams = [Streams.from_seed(t.seed) for t in (own[:1] if one_seed else own)]

        shapes = record_shapes(network, first, data)
        size = shapes["parameters"][0]
        members = {name: (count, *shapes[name]) for name in shapes if name != "moments"}
        self._groups = _groups(own)
        moments = {
            f"moments_{g}": (group.optimizer.moments, (group.end - group.start) * size)
            for g, group in enumerate(self._groups)
        }
        self._moment = Moment({**members, **moments}, first.dtype)
        self._kept = ("parameters", *moments)
        self._progress = [[Progress()] * count]
        self._endings: dict[int, _Ending] = {}
        if state is None:
            self._draw_weights()
        else:
            self._restore(state)
        self._stream_states = [self._random()]

        self._rates = np.zeros((count, 1), first.dtype)
        steps = steps_per_epoch(first, data)
        compiler = _Compiler(
            network,
            own,
            data,
            self._groups,
            self._moment.arrays,
            self._rates,
            self._streams,
            self.epoch * steps,
        )
        self._stretches = joined([*compiler.train(), *compiler.validate()])
        shuffles = first.shuffle and steps > 1
        self._draws = shuffles or network.has_noise or len(first.augmentation) > 0
        self._reel = Reel(self._moment, self._look_ahead())
        np.copyto(self._reel.slots[0], self._moment.vector)
        self._slot = 0  # the record of the last state that was handed out
        self._segments = Segments(network)
        self._probe = Probe(network, data.train_inputs, first.dtype)
        self._targets = np.asarray(data.train_targets, np.float64)
        self._validation_targets = (
            None
            if data.validation_targets is None
            else np.asarray(data.validation_targets, np.float64)
        )
        self._blocks: list[list[Block]] = [[] for _ in range(count)]
        self._taken = self.epoch
        self._epochs = self._train()

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
        vector = self._reel.arrays["parameters"][self._slot, self._row[member]]
        return parameter_views(self.network, vector.copy())

    def state(self) -> State:
        """What it takes to go on after the last completed epoch.

        Raises RuntimeError in the middle of an epoch.
        """
        if not self.at_boundary:
            raise RuntimeError("there is no state to go on from in the middle of an epoch")
        over = {k: e for k, e in self._endings.items() if e.epoch <= self.epoch}
        arrays = {name: self._reel.arrays[name][self._slot].copy() for name in self._kept}
        if over:
            arrays["endings"] = np.stack([ending.weights for ending in over.values()])
        return State(
            arrays=arrays,
            values={
                "epoch": self.epoch,
                "random": self._stream_states[self._slot],
                "progress": [asdict(progress) for progress in self._progress[self._slot]],
                "endings": [
                    {"member": k, "epoch": e.epoch, "outcome": asdict(e.outcome)}
                    for k, e in over.items()
                ],
            },
        )

    # ---------------------------------------------------------------- inside

    def _draw_weights(self) -> None:
        views = parameter_views_of_each(self.network, self._moment.arrays["parameters"])
        for row, member in enumerate(self._order):
            stream = Streams.from_seed(self.trainings[member].seed).weights
            for name, array in self.network.first_weights(rng=stream).items():
                np.copyto(views[name][row], array)

    def _restore(self, state: State) -> None:
        for name in self._kept:
            array, place = state.arrays.get(name), self._moment.arrays[name]
            if array is None or array.shape != place.shape:
                found = None if array is None else array.shape
                raise ValueError(f"the state's {name} should have shape {place.shape}, not {found}")
            np.copyto(place, array)
        for stream, states in zip(self._streams, state.values["random"], strict=True):
            stream.restore(states)
        self._progress = [[Progress(**values) for values in state.values["progress"]]]
        self.epoch = int(state.values["epoch"])
        for told, weights in zip(
            state.values["endings"], state.arrays.get("endings", ()), strict=True
        ):
            why = told["outcome"]["divergence"]
            outcome = Outcome(
                told["outcome"]["stop_reason"], None if why is None else Divergence(**why)
            )
            self._endings[told["member"]] = _Ending(told["epoch"], outcome, weights)

    def _random(self) -> list[dict[str, Any]]:
        return [streams.states() for streams in self._streams]

    def _look_ahead(self) -> int:
        """How many epochs are trained before their results are worked out together."""
        if len(self._stretches) > 1:
            return 1
        # Working out takes some time for each member, however few the epochs.
        by_time = 10.0 * LOOK_AHEAD / self._stretches[0].seconds
        by_memory = REEL_BYTES / max(self._moment.vector.nbytes, 1)
        return max(1, min(LONGEST_REEL, int(by_time), int(by_memory)))

    def _train(self) -> Iterator[int]:
        epochs = self.trainings[0].epochs
        while self.epoch < epochs and len(self._endings) < len(self.trainings):
            surely = min(
                epochs_at_one_rate(progress, training.schedule)
                for progress, training in zip(self._progress[0], self.trainings, strict=True)
            )
            count = int(min(len(self._reel.slots) - 1, epochs - self.epoch, surely))
            rates = [self._learning_rates(self.epoch + k) for k in range(count)]
            for _ in self._advance(rates):
                self.at_boundary = False
                yield self.epoch
            self.at_boundary = True
            last = self._work_out(np.array(rates))
            for slot in range(1, last + 1):
                self.epoch += 1
                self._slot = slot
                yield self.epoch
            np.copyto(self._reel.slots[0], self._reel.slots[self._slot])
            self._stream_states = [self._stream_states[self._slot]]
            self._progress = [self._progress[self._slot]]
            self._slot = 0

    def _learning_rates(self, epoch: int) -> list[float]:
        """Of every member, in the order of members."""
        return [
            t.schedule.value(epoch, t.epochs, t.optimizer.learning_rate * progress.rate_factor)
            for t, progress in zip(self.trainings, self._progress[0], strict=True)
        ]

    def _advance(self, rates: Sequence[Sequence[float]]) -> Iterator[None]:
        """Train one epoch for each row of rates into the slots from 1 on; yield at every pulse."""
        ordered = np.array(rates, self._rates.dtype)[:, self._order, None]
        *stretches, last = self._stretches
        np.copyto(self._rates, ordered[0])
        for stretch in stretches:
            with np.errstate(all="ignore"):
                perform(stretch.calls)
            yield
        with np.errstate(all="ignore"):
            for now, record in zip(ordered, self._reel.slots[1:], strict=False):
                np.copyto(self._rates, now)
                perform(last.calls)
                np.copyto(record, self._moment.vector)
                self._stream_states.append(
                    self._random() if self._draws else self._stream_states[0]
                )

    def _work_out(self, rates: Array) -> int:
        """From the records in the slots from 1 on, the members' rows, and what ends them.

        `rates` is `(epochs, members)`. Returns the slot of the last epoch that somebody lives to.
        """
        first, (count, members) = self.epoch + 1, rates.shape
        training = self.trainings[0]
        names = ("parameters", "gradient", "step", "scores", "validation_scores")
        records = {name: np.concatenate(self._reel.arrays[name][1 : count + 1]) for name in names}
        with np.errstate(all="ignore"):
            columns, are_finite = measure(
                find_loss(training.loss),
                records,
                self._targets,
                self._validation_targets,
                self._segments,
            )
            every = training.gradients_every
            chosen = np.arange(first, first + count)
            chosen = chosen[chosen % every == 0] if every > 0 else chosen[:0]
            rows = ((chosen - first)[:, None] * members + np.arange(members)).ravel()
            snapshots = None
            if len(rows) > 0:
                snapshots = take_snapshots(
                    self._segments,
                    self._probe,
                    rows,
                    *(records[name][rows] for name in ("gradient", "step", "parameters")),
                )
        followed = [list(self._progress[0]) for _ in range(count)]
        last = 0
        for member, training in enumerate(self.trainings):
            if member in self._endings:
                continue
            row = self._row[member]
            own = {name: column[row::members] for name, column in columns.items()}
            own["learning_rate"] = rates[:, member]
            progress = follow(
                self._progress[0][member],
                own,
                are_finite[row::members],
                training.early_stopping,
                training.target,
                training.schedule,
            )
            for slot, remembered in enumerate(progress):
                followed[slot][member] = remembered
            for slot in range(len(progress), count):
                followed[slot][member] = progress[-1]
            lived = len(progress)
            last = max(last, lived)
            block = Block(first, own, _of_member(snapshots, chosen, row, members))
            self._blocks[member].append(cut(block, first, first + lived - 1))
            reason = progress[-1].stop_reason
            if reason is None and first + lived - 1 == training.epochs:
                reason = "completed"
            if reason is not None:
                self._end(member, lived, reason, own)
        self._progress += followed
        return last

    def _end(self, member: int, slot: int, reason: StopReason, columns: dict[str, Array]) -> None:
        """Note that a member ends with the epoch in a slot, and the weights that it leaves."""
        epoch, row = self.epoch + slot, self._row[member]
        records = self._reel.arrays
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
    own = slice(row, None, members)
    return Gradients(epochs, snapshots.layers, snapshots.statistics[own], snapshots.histogram[own])


def parameter_views_of_each(network: Network, vectors: Array) -> dict[str, Array]:
    """The parameters by name, as views of one flat vector for each member: `(members, *shape)`."""
    bounds = np.cumsum([0, *(math.prod(shape) for shape in network.parameters.values())])
    views = {}
    for (name, shape), (start, end) in zip(
        network.parameters.items(), pairwise(bounds), strict=True
    ):
        # Splitting an axis of a view needs no copy, and a view is what is asked for.
        views[name] = np.reshape(vectors[:, start:end], (len(vectors), *shape), copy=False)
    return views


# ---------------------------------------------------------------- the program


@dataclass(frozen=True)
class _Group:
    """Neighboring rows `start` to `end` whose optimizers differ in the learning rate alone."""

    optimizer: Any
    start: int
    end: int


def _kind(training: Training) -> str:
    return repr(replace(training.optimizer, learning_rate=1.0))


def _groups(trainings: Sequence[Training]) -> list[_Group]:
    groups = []
    for _, rows in groupby(range(len(trainings)), key=lambda row: _kind(trainings[row])):
        row, *others = rows
        optimizer = replace(trainings[row].optimizer, learning_rate=1.0)
        groups.append(_Group(optimizer, row, row + 1 + len(others)))
    return groups


class _Gradients:
    """Forward, loss and backward of every member for batches of one size."""

    def __init__(self, network: Network, training: Training, batch: int, members: int, own: _Own):
        self._one = Gradient(network, training.loss, batch, training.dtype)
        many: set[Symbol] = {*self._one.parameters.values()}
        if own.data:
            many |= {self._one.inputs, self._one.targets}
        if own.masks:
            many |= set(self._one.rates)
        outputs, self._many = replicate(self._one.plan.outputs, many, members)
        self._plan = Plan(outputs, training.dtype)
        masks = {mask: self._many[mask] for mask in self._one.rates}
        self._masks = {mask: np.empty(new.shape, training.dtype) for mask, new in masks.items()}

    def bind(
        self,
        inputs: Array,
        targets: Array,
        scores: Array,
        parameters: Mapping[str, Array],
        gradient: Mapping[str, Array],
        streams: Sequence[Streams],
    ) -> list[Call]:
        """As `Gradient.bind`, on arrays with a leading axis of members."""
        one = self._one
        given = {one.parameters[name]: array for name, array in parameters.items()}
        given |= {one.inputs: inputs, one.targets: targets, **self._masks}
        draws: list[Call] = []
        for mask, rate in one.rates.items():
            array = self._masks[mask]
            own = array if len(array.shape) > len(mask.shape) else array[None]
            for stream, row in zip(streams, own, strict=False):
                draws += draw(stream.dropout, row, rate)
        leaves = {self._many[x]: array for x, array in given.items() if x in self._many}
        slopes = [gradient[name] for name in one.learnt]
        updated = [parameters[name] for name in one.updates]
        return draws + self._plan.bind(leaves, [scores, *reversed(slopes), *updated])


@dataclass(frozen=True)
class _Own:
    """What each member has for itself, because its seed is its own."""

    data: bool
    masks: bool


class _Compiler:
    """One epoch of all members as flat lists of NumPy calls; compare `epoch.py`."""

    def __init__(
        self,
        network: Network,
        trainings: Sequence[Training],
        data: Data,
        groups: Sequence[_Group],
        now: Mapping[str, Array],
        rates: Array,
        streams: Sequence[Streams],
        steps: int,
    ) -> None:
        self.network, self.trainings, self.data = network, trainings, data
        self.now, self.rates, self.streams = now, rates, streams
        self.members, self.dtype = len(trainings), rates.dtype
        self.parameters = parameter_views_of_each(network, now["parameters"])
        self.gradient = parameter_views_of_each(network, now["gradient"])
        self.update = self.update_of(groups, steps)
        self.flops = self.members * network.flops

    def train(self) -> Iterator[Stretch]:
        """A step on every batch."""
        inputs = np.ascontiguousarray(self.data.train_inputs, self.dtype)
        targets = np.ascontiguousarray(self.data.train_targets, self.dtype)
        samples = len(inputs)
        first = self.trainings[0]
        # The samples of all, or those of each member where it changes them by itself.
        inputs, targets = inputs[None], targets[None]
        if first.augmentation:
            given, inputs = inputs[0], np.empty((len(self.streams), *inputs.shape[1:]), self.dtype)
            yield from self.augment(given, inputs)
        batch = min(first.batch_size or samples, samples)
        if batch == samples:
            yield self.step(inputs, targets)
            return
        # One order for all, `(1, samples)`, or one for each member.
        streams = self.streams if first.shuffle else self.streams[:1]
        unshuffled = np.arange(samples)
        orders = np.tile(unshuffled, (len(streams), 1))
        if first.shuffle:
            anew: list[Call] = [(np.copyto, (orders, unshuffled))]
            for stream, order in zip(streams, orders, strict=True):
                anew.append((stream.shuffle.shuffle, (order,)))
            yield self.stretch(anew, 0)
        orders = np.broadcast_to(orders, (max(len(orders), len(inputs)), samples))
        whole = samples - samples % batch
        yield from self.train_on(inputs, targets, orders[:, :whole], batch)
        if whole < samples:
            yield from self.train_on(inputs, targets, orders[:, whole:], samples - whole)

    def augment(self, given: Array, changed: Array) -> Iterator[Stretch]:
        """Fill each of `changed` with the samples anew, changed; compare `epoch.py`."""
        for stream, own in zip(self.streams, changed, strict=True):
            for start in range(0, len(given), SAMPLES_IN_A_CHANGE):
                part = slice(start, start + SAMPLES_IN_A_CHANGE)
                calls: list[Call] = [(np.copyto, (own[part], given[part]))]
                calls += [
                    (change.change, (own[part], stream.augmentation))
                    for change in self.trainings[0].augmentation
                ]
                yield Stretch(calls, given[part].size * len(calls) * SECONDS_PER_CHANGE)

    def step(self, inputs: Array, targets: Array) -> Stretch:
        """A single step on all samples."""
        samples, own_data = inputs.shape[1], len(inputs) > 1
        if own_data:
            targets = np.repeat(targets, len(inputs), axis=0)
        x, y = (inputs, targets) if own_data else (inputs[0], targets[0])
        compiled = self.gradients(samples, own_data=own_data)
        return self.stretch(self.bound(compiled, x, y, self.now["scores"]), 3 * samples)

    def train_on(
        self, inputs: Array, targets: Array, orders: Array, batch: int
    ) -> Iterator[Stretch]:
        """A step on every batch of the samples at `orders`, whose number `batch` divides."""
        samples = orders.shape[1]
        own_data = len(orders) > 1
        seconds_each = 3 * batch * self.flops / FLOPS_PER_SECOND
        batches = min(BATCHES_AT_ONCE, max(1, int(PULSE / (seconds_each + 1e-9))))
        gathered = min(batches * batch, samples)
        x = np.empty((len(orders), gathered, *self.network.input_shape), self.dtype)
        y = np.empty((len(orders), gathered, *self.network.output_shape), self.dtype)
        scores = np.empty((self.members, *y.shape[1:]), self.dtype)
        compiled = self.gradients(batch, own_data=own_data)
        steps = []
        for start in range(0, gathered, batch):
            part = slice(start, start + batch)
            here = (x[:, part], y[:, part]) if own_data else (x[0, part], y[0, part])
            steps.append(self.bound(compiled, *here, scores[:, part]))
        member = np.arange(self.members)[:, None]
        for start in range(0, samples, gathered):
            rows = orders[:, start : start + gathered]
            n = rows.shape[1]
            calls: list[Call] = [
                (_gather, (inputs, rows, x[:, :n])),
                (_gather, (targets, rows, y[:, :n])),
                *(call for step in steps[: n // batch] for call in step),
                (self.now["scores"].__setitem__, ((member, rows), scores[:, :n])),
            ]
            yield self.stretch(calls, 3 * n)

    def gradients(self, batch: int, *, own_data: bool) -> _Gradients:
        own = _Own(data=own_data, masks=len(self.streams) > 1)
        return _Gradients(self.network, self.trainings[0], batch, self.members, own)

    def bound(self, compiled: _Gradients, x: Array, y: Array, scores: Array) -> list[Call]:
        """The calls of one step on a batch."""
        own = compiled.bind(x, y, scores, self.parameters, self.gradient, self.streams)
        return own + self.update

    def validate(self) -> Iterator[Stretch]:
        """A forward pass over all validation samples."""
        if self.data.validation_inputs is None:
            return
        inputs = np.ascontiguousarray(self.data.validation_inputs, self.dtype)
        read = find_loss(self.trainings[0].loss).scores
        at_once = max(1, SAMPLES_AT_ONCE // self.members)
        for start in range(0, len(inputs), at_once):
            part = inputs[start : start + at_once]
            x, parameters = leaf(part.shape), parameter_leaves(self.network)
            output = read(self.network.forward(x, parameters)[-1])
            outputs, many = replicate([output], set(parameters.values()), self.members)
            given = {many[parameters[name]]: array for name, array in self.parameters.items()}
            results = [self.now["validation_scores"][:, start : start + len(part)]]
            calls = Plan(outputs, self.dtype).bind({x: part, **given}, results)
            yield self.stretch(calls, len(part))

    def update_of(self, groups: Sequence[_Group], steps: int) -> list[Call]:
        """The calls that take one step along the gradient of each member; compare `step.update`."""
        parameters, gradient, step = (self.now[name] for name in ("parameters", "gradient", "step"))
        mask = weight_mask(self.network.parameters).astype(self.dtype)
        l1 = np.array([training.l1 for training in self.trainings], self.dtype)[:, None] * mask
        l2 = np.array([training.l2 for training in self.trainings], self.dtype)[:, None] * mask
        calls = penalties(parameters, gradient, step, l1, l2)
        values = _limits([training.clip_value for training in self.trainings])
        norms = _limits([training.clip_norm for training in self.trainings])
        if np.isfinite([values, norms]).any():
            clipped = np.empty_like(gradient)
            calls += [
                (_clip, (gradient, values.astype(self.dtype), clipped)),
                (_shorten, (clipped, norms, np.empty(clipped.shape))),
            ]
            gradient = clipped
        # Every optimizer's step is its rate times something that does not depend on the rate. So it
        # steps a copy at the rate 1, for all members alike, and each then goes its own share.
        aside, one = np.empty_like(parameters), np.ones((), self.dtype)
        calls.append((np.copyto, (aside, parameters)))
        for number, group in enumerate(groups):
            own = slice(group.start, group.end)
            flat = (array[own].reshape(-1) for array in (aside, gradient, step))
            moments = self.now[f"moments_{number}"]
            calls += group.optimizer.calls(*flat, moments, one, steps, self.network.parameters)
        return [
            *calls,
            (np.multiply, (step, self.rates, step)),
            (np.subtract, (parameters, step, parameters)),
        ]

    def stretch(self, calls: list[Call], passes: int) -> Stretch:
        """The calls with what they cost, for so many passes of one sample through the networks."""
        each = SECONDS_PER_CALL + self.members * SECONDS_PER_MEMBER
        return Stretch(calls, len(calls) * each + passes * self.flops / FLOPS_PER_SECOND)


def _gather(array: Array, rows: Array, out: Array) -> None:
    """`out[k] = array[k, rows[k]]`, or `array[0, rows[k]]` if there is one array for all."""
    arrays = array if len(array) > 1 else [array[0]] * len(out)
    for samples, own, place in zip(arrays, rows, out, strict=True):
        samples.take(own, 0, place, "clip")


def _limits(limits: Sequence[float | None]) -> Array:
    """One limit for each member, `(members, 1)`; infinite where there is none."""
    return np.array([math.inf if limit is None else limit for limit in limits])[:, None]


def _clip(gradient: Array, limits: Array, clipped: Array) -> None:
    np.clip(gradient, -limits, limits, out=clipped)


def _shorten(gradient: Array, limits: Array, wide: Array) -> None:
    # In float64, as in `step.py`.
    np.copyto(wide, gradient)
    norms = np.sqrt(np.einsum("kp,kp->k", wide, wide))[:, None]
    np.multiply(
        gradient, np.where(norms > limits, limits / norms, 1.0), out=gradient, casting="same_kind"
    )


def _check_alike(trainings: Sequence[Training]) -> None:
    if not trainings:
        raise ValueError("a sweep needs at least one member")
    first = trainings[0]
    for training in trainings:
        for name in (
            "loss",
            "epochs",
            "batch_size",
            "augmentation",
            "shuffle",
            "gradients_every",
            "dtype",
        ):
            if getattr(training, name) != getattr(first, name):
                raise ValueError(f"the members of a sweep need the same {name}")
        if training.optimizer.type != first.optimizer.type:
            raise ValueError("the members of a sweep need the same type of optimizer")
