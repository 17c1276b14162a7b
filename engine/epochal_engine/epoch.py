"""One epoch, compiled: flat lists of NumPy calls from one row of the curve to the next.

    change the samples ── shuffle ── gather a few batches ── step, step, … ── put their scores back
    ── gather … ── validate

Shuffled samples are gathered a few batches at a time, and each batch has its own calls, bound to
its part of what was gathered. The scores that a batch met with go back to its samples' places, so
that they are recorded in the data's own order.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

import numpy as np

from .data import Data
from .losses import find_loss
from .network import Network, parameter_views
from .predict import SAMPLES_AT_ONCE, forward_passes
from .step import Gradient, update, with_column
from .streams import Streams
from .trace import Array, Call, Shape
from .training import Training

PULSE = 0.05
"""Seconds of work, about, after which a long epoch lets its caller have a word."""
BATCHES_AT_ONCE = 64
"""Batches gathered together, at most."""
SECONDS_PER_CALL = 0.3e-6
FLOPS_PER_SECOND = 30e9
SECONDS_PER_CHANGE = 10e-9
"""What calling NumPy costs, how fast it then is, and what it takes to augment an element. Rough: no
result depends on them."""


@dataclass(frozen=True)
class Stretch:
    """Calls to run without a pause, and the seconds that they take, about."""

    calls: list[Call]
    seconds: float


def record_shapes(network: Network, training: Training, data: Data) -> dict[str, Shape]:
    """The shapes of everything that a run keeps a record of, by name."""
    size = sum(math.prod(shape) for shape in network.parameters.values())
    held_out = 0 if data.validation_inputs is None else len(data.validation_inputs)
    return {
        "parameters": (size,),
        "moments": (training.optimizer.moments, size),
        "gradient": (size,),
        "step": (size,),
        "scores": (len(data.train_inputs), *network.output_shape),
        "validation_scores": (held_out, *network.output_shape),
    }


def steps_per_epoch(training: Training, data: Data) -> int:
    """How many batches an epoch has; the last may be smaller than the others."""
    samples = len(data.train_inputs)
    return math.ceil(samples / min(training.batch_size or samples, samples))


def compile_epoch(
    network: Network,
    training: Training,
    data: Data,
    now: Mapping[str, Array],
    rate: Array,
    streams: Streams,
    steps: int,
) -> list[Stretch]:
    """The epoch as stretches of about `PULSE` seconds, working on the arrays in `now`.

    `now` has the arrays of `record_shapes`; `rate`, of shape `()`, is read at every step; `steps`
    have been taken before.
    """
    compiler = _Compiler(network, training, data, now, rate, streams, steps)
    return joined([*compiler.train(), *compiler.validate()])


class _Compiler:
    def __init__(
        self,
        network: Network,
        training: Training,
        data: Data,
        now: Mapping[str, Array],
        rate: Array,
        streams: Streams,
        steps: int,
    ) -> None:
        self.network, self.training, self.data = network, training, data
        self.now, self.streams = now, streams
        self.dtype = rate.dtype
        self.parameters = parameter_views(network, now["parameters"])
        self.update = update(network, training, now, rate, steps)
        self.flops = network.flops

    def train(self) -> Iterator[Stretch]:
        """A step on every batch."""
        given = np.ascontiguousarray(self.data.train_inputs, self.dtype)
        inputs = with_column(self.network, given)
        targets = np.ascontiguousarray(self.data.train_targets, self.dtype)
        samples = len(inputs)
        if self.training.augmentation:
            inputs = inputs.copy()
            yield from self.augment(given, inputs[..., : given.shape[-1]])
        batch = min(self.training.batch_size or samples, samples)
        if batch == samples:
            (step,) = self.steps(inputs, targets, self.now["scores"], batch)
            yield self.stretch(step, 3 * samples)
            return
        order, unshuffled = np.arange(samples), np.arange(samples)
        if self.training.shuffle:
            anew: list[Call] = [
                (np.copyto, (order, unshuffled)),
                (self.streams.shuffle.shuffle, (order,)),
            ]
            yield self.stretch(anew, 0)
        whole = samples - samples % batch
        yield from self.train_on(inputs, targets, order[:whole], batch)
        if whole < samples:
            yield from self.train_on(inputs, targets, order[whole:], samples - whole)

    def augment(self, given: Array, changed: Array) -> Iterator[Stretch]:
        """Fill `changed` with the samples anew, changed."""
        rng = self.streams.augmentation
        for start in range(0, len(given), SAMPLES_AT_ONCE):
            part = slice(start, start + SAMPLES_AT_ONCE)
            calls: list[Call] = [(np.copyto, (changed[part], given[part]))]
            calls += [(a.change, (changed[part], rng)) for a in self.training.augmentation]
            yield Stretch(calls, given[part].size * len(calls) * SECONDS_PER_CHANGE)

    def train_on(
        self, inputs: Array, targets: Array, order: Array, batch: int
    ) -> Iterator[Stretch]:
        """A step on every batch of the samples at `order`, whose number `batch` divides."""
        most = min(BATCHES_AT_ONCE * batch, len(order))
        x = np.empty((most, *inputs.shape[1:]), self.dtype)
        y = np.empty((most, *self.network.output_shape), self.dtype)
        scores = np.empty_like(y)
        steps: list[list[Call]] = []
        seconds = 0.0
        for step in self.steps(x, y, scores, batch):
            steps.append(step)
            seconds += self.stretch(step, 3 * batch).seconds
            if seconds > PULSE:
                break
        gathered = len(steps) * batch
        for start in range(0, len(order), gathered):
            rows = order[start : start + gathered]
            n = len(rows)
            calls: list[Call] = [
                (inputs.take, (rows, 0, x[:n], "clip")),
                (targets.take, (rows, 0, y[:n], "clip")),
                *chain.from_iterable(steps[: n // batch]),
                (self.now["scores"].__setitem__, (rows, scores[:n])),
            ]
            yield self.stretch(calls, 3 * n)

    def steps(self, x: Array, y: Array, scores: Array, batch: int) -> Iterator[list[Call]]:
        """The calls of the step on each batch of `x`, `y` and `scores`."""
        compiled = Gradient(self.network, self.training.loss, batch, self.training.dtype)
        now = self.now
        parts = compiled.parts(now["parameters"]), compiled.parts(now["gradient"])
        for start in range(0, len(x), batch):
            cut = slice(start, start + batch)
            own = compiled.bind(x[cut], y[cut], scores[cut], *parts, self.streams.dropout)
            yield own + self.update

    def validate(self) -> Iterator[Stretch]:
        """A forward pass over all validation samples."""
        if self.data.validation_inputs is None:
            return
        inputs = np.ascontiguousarray(self.data.validation_inputs, self.dtype)
        scores = self.now["validation_scores"]
        read = find_loss(self.training.loss).scores
        passes = forward_passes(self.network, self.parameters, inputs, scores, read)
        for calls in passes:
            yield self.stretch(calls, len(inputs) // len(passes))

    def stretch(self, calls: list[Call], passes: int) -> Stretch:
        """The calls with what they cost, for so many passes of one sample through the network."""
        flops = passes * self.flops
        return Stretch(calls, len(calls) * SECONDS_PER_CALL + flops / FLOPS_PER_SECOND)


def joined(stretches: list[Stretch]) -> list[Stretch]:
    """Join neighbors as long as they stay below the pulse together."""
    groups: list[list[Stretch]] = [[]]
    for stretch in stretches:
        if groups[-1] and sum(s.seconds for s in groups[-1]) + stretch.seconds > PULSE:
            groups.append([])
        groups[-1].append(stretch)
    return [
        Stretch([c for s in group for c in s.calls], sum(s.seconds for s in group))
        for group in groups
    ]
