"""One epoch, compiled: flat lists of NumPy calls from one row of the curve to the next.

    augment, corrupt ── shuffle ── gather a few batches ── step, step, … ── write their logits back
    ── gather … ── validate

The Python engine gathers shuffled samples a few batches at a time, and each batch has its own
calls, bound to its part of the gathered samples. A call costs the compiled engine nearly nothing:
it gathers fewer batches at a time, so that fewer calls are to be compiled. The logits of a batch
are written back at its samples' indices, so that they are recorded in the order of the data.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import TypeAlias

import numpy as np

from ..data.data import Data
from ..model.losses import as_rows, find_loss, take_rows, typed
from ..model.network import Network, parameter_views
from ..model.predict import SAMPLES_AT_ONCE, forward_passes
from ..model.sample_weights import training_weights
from ..symbolic.memory import zeros
from ..symbolic.plan import run_calls
from ..symbolic.trace import Array, Call, Shape
from ..walk import chosen_engine, compiled
from .rollouts import Sampler
from .step import Gradient, update, with_column
from .streams import Streams
from .training import Training

PULSE = 0.05
"""Approximate seconds after which a long epoch yields to its caller."""
BATCHES_AT_ONCE = 64
"""Largest number of batches that the Python engine gathers together."""
SECONDS_PER_CALL = 0.3e-6
SECONDS_PER_COMPILED_CALL = 0.03e-6
SECONDS_PER_MEMBER = 0.05e-6
FLOPS_PER_SECOND = 50e9
SECONDS_PER_CHANGE = 10e-9
"""Cost of a NumPy call, by Python and by the walk, and of each member in it, speed of arithmetic,
and cost of augmenting an element. Estimates on which no result depends."""
Bind: TypeAlias = Callable[[Array, Array, Array, Array | None], list[Call]]
"""`bind(x, y, logits, weights)` returns the calls of a gradient on a batch."""


@dataclass(frozen=True)
class Segment:
    """Calls to run without a pause, their approximate duration in seconds, and their steps."""

    calls: list[Call]
    seconds: float
    steps: int = 0


def record_shapes(network: Network, training: Training, data: Data) -> dict[str, Shape]:
    """Return the shapes of the arrays that a run records, by name."""
    changing = network.changing_size
    validation_samples = 0 if data.validation_inputs is None else len(data.validation_inputs)
    return {
        "parameters": (network.size,),
        "moments": (training.optimizer.moments, changing),
        "gradient": (changing,),
        "step": (changing,),
        "logits": (len(data.train_inputs), *network.output_shape),
        "validation_logits": (validation_samples, *network.output_shape),
    }


def corrupted_targets(training: Training, data: Data, copies: int) -> Array | None:
    """Return an array for the targets of `copies` of the samples that are corrupted or written in
    every epoch, `(copies, n, …)`; None for samples that stay.
    """
    if training.corruption is None and training.rollouts is None:
        return None
    return np.repeat(typed(data.train_targets, training.dtype)[None], copies, axis=0)


def steps_per_epoch(training: Training, data: Data, taken: int = 0) -> int:
    """Return the number of batches in an epoch, or in its rest after the samples that are taken;
    the last may be smaller than the others.
    """
    samples = len(data.train_inputs)
    return math.ceil((samples - taken) / training.samples_per_step(samples))


def batches_at_once(batches: int) -> int:
    """Return the largest number of batches that the chosen engine gathers together.

    The compiled calls per gathered batch and per gathering are then about equal.
    """
    if chosen_engine() == "python":
        return BATCHES_AT_ONCE
    return max(1, min(BATCHES_AT_ONCE, math.isqrt(batches // 2)))


def compile_epoch(
    network: Network,
    training: Training,
    data: Data,
    now: Mapping[str, Array],
    rate: Array,
    streams: Streams,
    steps: int,
    targets: Array | None = None,
    sampler: Sampler | None = None,
    steps_at_once: float = math.inf,
    taken: int = 0,
    pause: int = 0,
) -> list[Segment]:
    """Return the epoch as segments of about `PULSE` seconds, working on the arrays in `now`, and of
    about `steps_at_once` steps at most.

    The epoch begins after samples that are `taken`, and a segment ends after `pause` steps.

    `now` has the arrays of `record_shapes`; `rate`, of shape `()`, is read at every step; `steps`
    have been taken before; `targets`, of `corrupted_targets`, are filled in every epoch, by the
    `sampler` if there is one.
    """
    calls = update(network, training, now, rate, steps)
    compiler = EpochCompiler(network, training, data, now, [streams], calls, targets)
    compiler.sampler = sampler
    return compiler.segments(steps_at_once, taken, pause)


class EpochCompiler:
    """An epoch of one network; `lockstep.py` extends it to many.

    Samples have a leading axis of copies: one for all members, or one for each if separate streams
    draw or change them. Results have the leading axes `members`.
    """

    def __init__(
        self,
        network: Network,
        training: Training,
        data: Data,
        now: Mapping[str, Array],
        streams: Sequence[Streams],
        update: list[Call],
        targets: Array | None = None,
        members: Shape = (),
    ) -> None:
        self.network, self.training, self.data = network, training, data
        self.now, self.streams, self.update, self.members = now, streams, update, members
        self.targets = targets
        self.sampler: Sampler | None = None
        """Writes the samples of each epoch; None for the samples of the data."""
        self.dtype = now["parameters"].dtype
        self.parameters = parameter_views(network, now["parameters"])
        self.flops = network.flops * math.prod(members)
        is_python = chosen_engine() == "python"
        seconds = SECONDS_PER_CALL if is_python else SECONDS_PER_COMPILED_CALL
        self.seconds_per_call = seconds + sum(members) * SECONDS_PER_MEMBER
        self.parts: Sequence[EpochCompiler] = [self]
        """The parts of the members, each trained for a whole epoch, one after the other."""

    def select(self, copies: Array) -> Array:
        """Return those copies of samples that the members of this part read."""
        return copies

    def segments(
        self, steps_at_once: float = math.inf, taken: int = 0, pause: int = 0
    ) -> list[Segment]:
        """Return the epoch, see `compile_epoch`."""
        return merged([*self.train(taken, pause), *self.validate()], steps_at_once, pause)

    def train(self, taken: int = 0, pause: int = 0) -> Iterator[Segment]:
        """Yield a step on every batch after the samples that are taken."""
        original = np.ascontiguousarray(self.data.train_inputs, self.dtype)
        inputs = with_column(self.network, original)[None]
        targets = np.ascontiguousarray(typed(self.data.train_targets, self.dtype))[None]
        weights = training_weights(find_loss(self.training.loss), self.data, self.dtype)
        samples = len(original)
        if self.training.augmentation or self.targets is not None:
            inputs = np.repeat(inputs, len(self.streams), axis=0)
            if self.sampler is not None and self.targets is not None:
                weights = self.sampler.weights
                yield from self.write(self.sampler, inputs[0], self.targets[0])
            else:
                yield from self.change(original, inputs[..., : original.shape[-1]], targets[0])
        if self.targets is not None:
            targets = self.targets
        unshuffled = np.arange(samples)
        batch = self.training.samples_per_step(samples)
        if batch == samples and taken == 0:
            if self.targets is None:
                rows = as_rows(targets[0], self.network.output_shape[-1], self.dtype)
                y = _copies(rows, len(inputs))
            else:
                y = np.empty((len(inputs), samples, *self.network.output_shape), self.dtype)
                orders = np.broadcast_to(unshuffled, (len(inputs), samples))
                yield Segment([(gather, (targets, orders, y))], self.seconds_per_call)
            w = None if weights is None else _copies(weights, len(inputs))
            for part in self.parts:
                own_w = None if w is None else part.select(w)
                logits = part.now["logits"]
                yield from part.steps(part.select(inputs), part.select(y), own_w, logits, batch)
            return
        orders = np.tile(unshuffled, (len(self.streams) if self.training.shuffle else 1, 1))
        if self.training.shuffle:
            reshuffle: list[Call] = []
            for stream, order in zip(self.streams, orders, strict=True):
                reshuffle += [
                    (np.copyto, (order, unshuffled)),
                    (stream.shuffle.shuffle, (order,)),
                ]
            yield Segment(reshuffle, len(reshuffle) * self.seconds_per_call)
        orders = np.broadcast_to(orders, (max(len(orders), len(inputs)), samples))
        middle = min(taken + pause * batch, samples)
        for begin, end in ((taken, middle), (middle, samples)):
            whole = end - (end - begin) % batch
            for start, stop, size in ((begin, whole, batch), (whole, end, end - whole)):
                if start < stop:
                    rows = orders[:, start:stop]
                    yield from self.train_on(inputs, targets, weights, rows, size)

    def write(self, sampler: Sampler, inputs: Array, targets: Array) -> Iterator[Segment]:
        """Write the samples, as texts of the network."""
        for calls, passes in sampler.calls(inputs, targets, self.streams[0].augmentation):
            yield self.segment(calls, passes)

    def change(self, given: Array, changed: Array, targets: Array) -> Iterator[Segment]:
        """Copy the samples to each of `changed`, and augment and corrupt them there; the targets of
        corrupted samples follow from `targets`.
        """
        corruption = self.training.corruption
        for number, (stream, copies) in enumerate(zip(self.streams, changed, strict=True)):
            for start in range(0, len(given), SAMPLES_AT_ONCE):
                part = slice(start, start + SAMPLES_AT_ONCE)
                calls: list[Call] = [(np.copyto, (copies[part], given[part]))]
                rng = stream.augmentation
                calls += [(a.change, (copies[part], rng)) for a in self.training.augmentation]
                if corruption is not None and self.targets is not None:
                    new = self.targets[number, part]
                    calls.append((np.copyto, (new, targets[part])))
                    calls.append((corruption.change, (copies[part], new, rng)))
                yield Segment(calls, given[part].size * len(calls) * SECONDS_PER_CHANGE)

    def train_on(
        self, inputs: Array, targets: Array, weights: Array | None, orders: Array, batch: int
    ) -> Iterator[Segment]:
        """Yield steps on the samples at `orders` `(copies, n)`; n is a multiple of `batch`.

        `targets` `(copies, n, …)` have one copy for all or one for each.
        """
        samples = orders.shape[1]
        most = min(batches_at_once(samples // batch) * batch, samples)
        copies = max(len(part.select(orders)) for part in self.parts)
        x = zeros((copies, most, *inputs.shape[2:]), self.dtype)
        y = np.empty((copies, most, *self.network.output_shape), self.dtype)
        w = None if weights is None else np.empty((*y.shape[:2], *weights.shape[1:]), self.dtype)
        for part in self.parts:
            given = part.select(inputs), part.select(targets), weights, part.select(orders)
            yield from part.train_gathered(*given, batch, x, y, w)

    def train_gathered(
        self,
        inputs: Array,
        targets: Array,
        weights: Array | None,
        orders: Array,
        batch: int,
        x: Array,
        y: Array,
        w: Array | None,
    ) -> Iterator[Segment]:
        """Yield the steps of the members of this part, with their samples gathered in x, y and
        w."""
        copies, samples = orders.shape
        x, y, w = x[:copies], y[:copies], None if w is None else w[:copies]
        logits = np.empty((*self.members, *y.shape[1:]), self.dtype)
        steps: list[Segment] = []
        for step in self.steps(x, y, w, logits, batch):
            steps.append(step)
            if sum(step.seconds for step in steps) > PULSE:
                break
        gathered = len(steps) * batch
        # The same steps follow each gathering of the same size.
        whole: Call = (run_calls, ([call for step in steps for call in step.calls],))
        for start in range(0, samples, gathered):
            rows = orders[:, start : start + gathered]
            n = rows.shape[1]
            calls: list[Call] = [
                (gather, (inputs, rows, x[:, :n])),
                (gather, (targets, rows, y[:, :n])),
            ]
            if weights is not None and w is not None:
                calls.append((gather, (weights[None], rows, w[:, :n])))
            taken = steps[: n // batch]
            if n == gathered < samples:
                calls.append(whole)
            else:
                calls += chain.from_iterable(step.calls for step in taken)
            calls.append(
                (scatter, (self.by_member(self.now["logits"]), rows, self.by_member(logits)[:, :n]))
            )
            seconds = sum(step.seconds for step in taken)
            yield Segment(calls, seconds + 4 * self.seconds_per_call, len(taken))

    def by_member(self, array: Array) -> Array:
        """Return results as an array with one axis of members."""
        return array.reshape(-1, *array.shape[len(self.members) :])

    def steps(
        self, x: Array, y: Array, weights: Array | None, logits: Array, batch: int
    ) -> Iterator[Segment]:
        """Yield the step on each batch of `x`, `y`, `weights` and `logits`."""
        bind = self.gradient(batch, own_samples=len(x) > 1, weighted=weights is not None)
        copies = slice(None) if len(x) > 1 else 0
        for start in range(0, x.shape[1], batch):
            cut = slice(start, start + batch)
            w = None if weights is None else weights[copies, cut]
            part = logits[(*(slice(None) for _ in self.members), cut)]
            calls = bind(x[copies, cut], y[copies, cut], part, w)
            yield self.segment(calls + self.update, 3 * batch)

    def gradient(self, batch: int, *, own_samples: bool, weighted: bool) -> Bind:
        """Return what binds forward, loss and backward to batches of one size."""
        gradient = Gradient(
            self.network, self.training.loss, batch, self.training.dtype, weighted=weighted
        )
        parts = gradient.parts(self.now["parameters"]), gradient.parts(self.now["gradient"])
        return lambda x, y, logits, weights: gradient.bind(
            x, y, logits, *parts, self.streams[0].dropout, weights
        )

    def validate(self) -> Iterator[Segment]:
        """Yield a forward pass over all validation samples."""
        if self.data.validation_inputs is None:
            return
        inputs = np.ascontiguousarray(self.data.validation_inputs, self.dtype)
        for part in self.parts:
            passes = part.forward(inputs, part.now["validation_logits"])
            for calls in passes:
                yield part.segment(calls, len(inputs) // len(passes))

    def forward(self, inputs: Array, logits: Array) -> list[list[Call]]:
        """Return the calls that fill `logits`, in passes over a limited number of samples."""
        read = find_loss(self.training.loss).logits
        return forward_passes(self.network, self.parameters, inputs, logits, read)

    def segment(self, calls: list[Call], passes: float) -> Segment:
        """Return the calls with their cost, in passes of one sample through the networks."""
        seconds = len(calls) * self.seconds_per_call
        return Segment(calls, seconds + passes * self.flops / FLOPS_PER_SECOND)


def _copies(array: Array, count: int) -> Array:
    """Return the array with a leading axis of copies; a view if there is one."""
    return array[None] if count == 1 else np.repeat(array[None], count, axis=0)


def gather(array: Array, rows: Array, out: Array) -> None:
    """`out[k] = array[k, rows[k]]`, or `array[0, rows[k]]` if there is one; labels become rows."""
    arrays = array if len(array) > 1 else [array[0]] * len(out)
    for samples, indices, target in zip(arrays, rows, out, strict=True):
        take_rows(samples, indices, target)


def scatter(out: Array, rows: Array, values: Array) -> None:
    """`out[k, rows[k]] = values[k]`, or `out[k, rows[0]] = values[k]` if there is one order."""
    if len(rows) == 1:  # In one order for all they are put back four times as fast.
        out[:, rows[0]] = values
    else:
        out[np.arange(len(out))[:, None], rows] = values


def merged(segments: list[Segment], steps_at_once: float, pause: int = 0) -> list[Segment]:
    """Merge neighboring segments as long as together they take less than `PULSE`, and no more than
    so many steps, up to the pause and from there on.
    """
    groups: list[list[Segment]] = [[]]
    seconds, steps, all_steps = 0.0, 0, 0
    for segment in segments:
        is_full = seconds + segment.seconds > PULSE or steps + segment.steps > steps_at_once
        if groups[-1] and (is_full or 0 < pause == all_steps):
            groups.append([])
            seconds, steps = 0.0, 0
        groups[-1].append(segment)
        seconds += segment.seconds
        steps += segment.steps
        all_steps += segment.steps
    return [
        Segment(
            [c for s in group for c in s.calls],
            sum(s.seconds for s in group),
            sum(s.steps for s in group),
        )
        for group in groups
    ]


def compiled_segments(segments: list[Segment]) -> list[Segment]:
    """Return the segments for the walk in C, where it is used; see `walk`."""
    lists = compiled([segment.calls for segment in segments])
    return [replace(segment, calls=calls) for segment, calls in zip(segments, lists, strict=True)]
