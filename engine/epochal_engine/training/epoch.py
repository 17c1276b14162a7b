"""One epoch, compiled: flat lists of NumPy calls from one row of the curve to the next.

    augment ── shuffle ── gather a few batches ── step, step, … ── write their logits back
    ── gather … ── validate

The Python engine gathers shuffled samples a few batches at a time, and each batch has its own
calls, bound to its part of the gathered samples. A call costs the compiled engine nearly nothing:
it gathers one batch at a time, and all batches have the same calls, which are compiled once. The
logits of a batch are written back at its samples' indices, so that they are recorded in the order
of the data.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np

from ..data.data import Data
from ..model.losses import as_rows, find_loss, take_rows, typed
from ..model.network import Network, parameter_views
from ..model.predict import SAMPLES_AT_ONCE, forward_passes
from ..model.sample_weights import training_weights
from ..symbolic.trace import Array, Call, Shape
from ..walk import chosen_engine, compiled
from .step import Gradient, update, with_column
from .streams import Streams
from .training import Training

PULSE = 0.05
"""Approximate seconds after which a long epoch yields to its caller."""
BATCHES_AT_ONCE = 64
"""Largest number of batches that the Python engine gathers together."""
SECONDS_PER_CALL = 0.3e-6
FLOPS_PER_SECOND = 30e9
SECONDS_PER_CHANGE = 10e-9
"""Cost of a NumPy call, speed of arithmetic, and cost of augmenting an element. Estimates on which
no result depends."""


@dataclass(frozen=True)
class Segment:
    """Calls to run without a pause, and their approximate duration in seconds."""

    calls: list[Call]
    seconds: float


def record_shapes(network: Network, training: Training, data: Data) -> dict[str, Shape]:
    """Return the shapes of the arrays that a run records, by name."""
    size = sum(math.prod(shape) for shape in network.parameters.values())
    validation_samples = 0 if data.validation_inputs is None else len(data.validation_inputs)
    return {
        "parameters": (size,),
        "moments": (training.optimizer.moments, size),
        "gradient": (size,),
        "step": (size,),
        "logits": (len(data.train_inputs), *network.output_shape),
        "validation_logits": (validation_samples, *network.output_shape),
    }


def steps_per_epoch(training: Training, data: Data) -> int:
    """Return the number of batches in an epoch; the last may be smaller than the others."""
    samples = len(data.train_inputs)
    return math.ceil(samples / training.samples_per_step(samples))


def batches_at_once() -> int:
    """Return the largest number of batches that the chosen engine gathers together."""
    return BATCHES_AT_ONCE if chosen_engine() == "python" else 1


def compile_epoch(
    network: Network,
    training: Training,
    data: Data,
    now: Mapping[str, Array],
    rate: Array,
    streams: Streams,
    steps: int,
) -> list[Segment]:
    """Return the epoch as segments of about `PULSE` seconds, working on the arrays in `now`.

    `now` has the arrays of `record_shapes`; `rate`, of shape `()`, is read at every step; `steps`
    have been taken before.
    """
    compiler = _Compiler(network, training, data, now, rate, streams, steps)
    return merged([*compiler.train(), *compiler.validate()])


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

    def train(self) -> Iterator[Segment]:
        """Yield a step on every batch."""
        original = np.ascontiguousarray(self.data.train_inputs, self.dtype)
        inputs = with_column(self.network, original)
        targets = np.ascontiguousarray(typed(self.data.train_targets, self.dtype))
        weights = training_weights(find_loss(self.training.loss), self.data, self.dtype)
        samples = len(inputs)
        if self.training.augmentation:
            inputs = inputs.copy()
            yield from self.augment(original, inputs[..., : original.shape[-1]])
        batch = self.training.samples_per_step(samples)
        if batch == samples:
            rows = as_rows(targets, self.network.output_shape[-1], self.dtype)
            (step,) = self.steps(inputs, rows, weights, self.now["logits"], batch)
            yield self.segment(step, 3 * samples)
            return
        order, unshuffled = np.arange(samples), np.arange(samples)
        if self.training.shuffle:
            reshuffle: list[Call] = [
                (np.copyto, (order, unshuffled)),
                (self.streams.shuffle.shuffle, (order,)),
            ]
            yield self.segment(reshuffle, 0)
        whole = samples - samples % batch
        yield from self.train_on(inputs, targets, weights, order[:whole], batch)
        if whole < samples:
            yield from self.train_on(inputs, targets, weights, order[whole:], samples - whole)

    def augment(self, given: Array, changed: Array) -> Iterator[Segment]:
        """Copy the samples to `changed` and augment them there."""
        rng = self.streams.augmentation
        for start in range(0, len(given), SAMPLES_AT_ONCE):
            part = slice(start, start + SAMPLES_AT_ONCE)
            calls: list[Call] = [(np.copyto, (changed[part], given[part]))]
            calls += [(a.change, (changed[part], rng)) for a in self.training.augmentation]
            yield Segment(calls, given[part].size * len(calls) * SECONDS_PER_CHANGE)

    def train_on(
        self, inputs: Array, targets: Array, weights: Array | None, order: Array, batch: int
    ) -> Iterator[Segment]:
        """Yield steps on the samples at `order`, whose number is a multiple of `batch`."""
        most = min(batches_at_once() * batch, len(order))
        x = np.empty((most, *inputs.shape[1:]), self.dtype)
        y = np.empty((most, *self.network.output_shape), self.dtype)
        w = None if weights is None else np.empty((most, *weights.shape[1:]), self.dtype)
        logits = np.empty_like(y)
        steps: list[list[Call]] = []
        seconds = 0.0
        for step in self.steps(x, y, w, logits, batch):
            steps.append(step)
            seconds += self.segment(step, 3 * batch).seconds
            if seconds > PULSE:
                break
        gathered = len(steps) * batch
        for start in range(0, len(order), gathered):
            rows = order[start : start + gathered]
            n = len(rows)
            calls: list[Call] = [
                _taken(inputs, rows, x[:n]),
                (take_rows, (targets, rows, y[:n])),
                *([] if weights is None or w is None else [_taken(weights, rows, w[:n])]),
                *chain.from_iterable(steps[: n // batch]),
                (self.now["logits"].__setitem__, (rows, logits[:n])),
            ]
            yield self.segment(calls, 3 * n)

    def steps(
        self, x: Array, y: Array, weights: Array | None, logits: Array, batch: int
    ) -> Iterator[list[Call]]:
        """Yield the calls of the step on each batch of `x`, `y`, `weights` and `logits`."""
        compiled = Gradient(
            self.network,
            self.training.loss,
            batch,
            self.training.dtype,
            weighted=weights is not None,
        )
        now = self.now
        parts = compiled.parts(now["parameters"]), compiled.parts(now["gradient"])
        for start in range(0, len(x), batch):
            cut = slice(start, start + batch)
            w = None if weights is None else weights[cut]
            calls = compiled.bind(x[cut], y[cut], logits[cut], *parts, self.streams.dropout, w)
            yield calls + self.update

    def validate(self) -> Iterator[Segment]:
        """Yield a forward pass over all validation samples."""
        if self.data.validation_inputs is None:
            return
        inputs = np.ascontiguousarray(self.data.validation_inputs, self.dtype)
        logits = self.now["validation_logits"]
        read = find_loss(self.training.loss).logits
        passes = forward_passes(self.network, self.parameters, inputs, logits, read)
        for calls in passes:
            yield self.segment(calls, len(inputs) // len(passes))

    def segment(self, calls: list[Call], passes: int) -> Segment:
        """Return the calls with their cost: so many passes of one sample through the network."""
        flops = passes * self.flops
        return Segment(calls, len(calls) * SECONDS_PER_CALL + flops / FLOPS_PER_SECOND)


def _taken(array: Array, rows: Array, out: Array) -> Call:
    return (array.take, (rows, 0, out, "clip"))


def merged(segments: list[Segment]) -> list[Segment]:
    """Merge neighboring segments as long as together they take less than `PULSE`."""
    groups: list[list[Segment]] = [[]]
    for segment in segments:
        if groups[-1] and sum(s.seconds for s in groups[-1]) + segment.seconds > PULSE:
            groups.append([])
        groups[-1].append(segment)
    return [
        Segment([c for s in group for c in s.calls], sum(s.seconds for s in group))
        for group in groups
    ]


def compiled_segments(segments: list[Segment]) -> list[Segment]:
    """Return the segments for the walk in C, where it is used; see `walk`."""
    lists = compiled([segment.calls for segment in segments])
    return [replace(segment, calls=calls) for segment, calls in zip(segments, lists, strict=True)]
