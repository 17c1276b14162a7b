"""One epoch, compiled: a flat list of NumPy calls from one row of the curve to the next.

Shuffled samples are gathered a few batches at a time; each batch has its own calls, bound to its
part of what was gathered. The scores that the batches met with go back to their samples' places, so
that the reel holds them in the data's own order.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .data import Data
from .losses import LOSSES
from .network import Network, parameter_views
from .predict import forward_passes
from .step import Gradient, update
from .trace import Array, Call, Shape
from .training import Training

PULSE = 0.05
"""Seconds of work, about, after which a long epoch lets its caller have a word."""
BATCHES_AT_ONCE = 64
"""Batches gathered together, at most."""
SECONDS_PER_CALL = 0.3e-6
FLOPS_PER_SECOND = 5e9
"""What calling NumPy costs, and how fast it then is. Rough: no result depends on either."""


@dataclass(frozen=True)
class Random:
    """The random streams of a run: none depends on how much was drawn from the others."""

    weights: np.random.Generator
    shuffle: np.random.Generator
    dropout: np.random.Generator

    @classmethod
    def from_seed(cls, seed: int) -> Random:
        """Three independent streams (NumPy's `SeedSequence`)."""
        return cls(*(np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(3)))

    def states(self) -> dict[str, Any]:
        """Where the streams that are drawn from in training are, as plain JSON."""
        return {
            "shuffle": self.shuffle.bit_generator.state,
            "dropout": self.dropout.bit_generator.state,
        }

    def restore(self, states: Mapping[str, Any]) -> None:
        """Go back to where `states` was asked for."""
        self.shuffle.bit_generator.state = states["shuffle"]
        self.dropout.bit_generator.state = states["dropout"]


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
    random: Random,
    steps: int,
) -> list[Stretch]:
    """The epoch as stretches of about `PULSE` seconds, working on the arrays in `now`.

    `rate`, of shape `()`, is read at every step; `steps` have been taken before.
    """
    dtype = now["parameters"].dtype
    inputs = np.ascontiguousarray(data.train_inputs, dtype)
    targets = np.ascontiguousarray(data.train_targets, dtype)
    samples = len(inputs)
    batch = min(training.batch_size or samples, samples)
    parameters = parameter_views(network, now["parameters"])
    slopes = parameter_views(network, now["gradient"])
    to_update = update(
        network,
        training,
        now["parameters"],
        now["gradient"],
        now["step"],
        now["moments"],
        rate,
        steps,
    )
    forward_flops = sum(
        layer.flops(shape) for layer, shape in zip(network.layers, network.shapes, strict=False)
    )

    def stretch(calls: list[Call], samples: int, passes: int) -> Stretch:
        flops = samples * passes * forward_flops
        return Stretch(calls, len(calls) * SECONDS_PER_CALL + flops / FLOPS_PER_SECOND)

    def steps_on(x: Array, y: Array, scores: Array, batch: int) -> list[list[Call]]:
        gradient = Gradient(network, training.loss, batch, training.dtype)
        return [
            gradient.bind(x[cut], y[cut], scores[cut], parameters, slopes, random.dropout)
            + to_update
            for cut in (slice(k, k + batch) for k in range(0, len(x), batch))
        ]

    stretches: list[Stretch] = []
    if batch == samples:
        (step,) = steps_on(inputs, targets, now["scores"], batch)
        stretches.append(stretch(step, samples, 3))
    else:
        order, in_order = np.arange(samples), np.arange(samples)
        if training.shuffle:
            anew: list[Call] = [(np.copyto, (order, in_order)), (random.shuffle.shuffle, (order,))]
            stretches.append(stretch(anew, 0, 0))

        def gather(start: int, end: int, batch: int, at_once: int) -> None:
            """Add the stretches that train on order[start:end], `at_once` batches each."""
            most = min(at_once * batch, end - start)
            x = np.empty((most, *network.input_shape), dtype)
            y = np.empty((most, *network.output_shape), dtype)
            scores = np.empty_like(y)
            steps = steps_on(x, y, scores, batch)
            for first in range(start, end, most):
                rows = order[first : min(first + most, end)]
                n = len(rows)
                calls: list[Call] = [
                    (inputs.take, (rows, 0, x[:n], "clip")),
                    (targets.take, (rows, 0, y[:n], "clip")),
                    *(call for step in steps[: n // batch] for call in step),
                    (now["scores"].__setitem__, (rows, scores[:n])),
                ]
                stretches.append(stretch(calls, n, 3))

        whole = samples - samples % batch
        step_seconds = 60 * SECONDS_PER_CALL + 3 * batch * forward_flops / FLOPS_PER_SECOND
        gather(0, whole, batch, at_once=max(1, min(BATCHES_AT_ONCE, int(PULSE / step_seconds))))
        if whole < samples:
            gather(whole, samples, samples - whole, at_once=1)

    if data.validation_inputs is not None:
        held_out = np.ascontiguousarray(data.validation_inputs, dtype)
        scores = now["validation_scores"]
        read = LOSSES[training.loss].scores
        stretches += [
            stretch(calls, len(held_out), 1)
            for calls in forward_passes(network, parameters, held_out, scores, read)
        ]
    return _join(stretches)


def _join(stretches: list[Stretch]) -> list[Stretch]:
    """Join neighbors as long as they stay below the pulse together."""
    joined: list[Stretch] = []
    for part in stretches:
        if joined and joined[-1].seconds + part.seconds < PULSE:
            last = joined.pop()
            part = Stretch(last.calls + part.calls, last.seconds + part.seconds)
        joined.append(part)
    return joined
