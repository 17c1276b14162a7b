"""What a run costs, in numbers that its duration is about proportional to.

Small networks spend their time on NumPy calls, large ones on arithmetic, and very short epochs on
what is recorded of each. The calls of a step are counted by compiling it; nothing is computed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np

from .data import Data
from .layers import Dense
from .network import Network
from .optimizers import Adam
from .run import Run
from .step import Gradient, update
from .sweep import Sweep
from .trace import Array
from .training import Training

CALIBRATION_SECONDS = 0.02
"""Duration of each of the short runs that measure this machine."""


@dataclass(frozen=True)
class Work:
    """The cost of a run. Numbers of a sweep are those of all members together, but for `calls`."""

    epochs: float
    """Epochs."""
    snapshots: float
    """Layers in all gradient snapshots."""
    calls: float
    """NumPy calls of all steps; each takes all members of a sweep."""
    member_calls: float
    """The same times the other members; 0 for a job."""
    flops: float
    """Floating-point operations of products and convolutions."""
    elements: float
    """Elements of activations, forward and backward, and of the optimizer's arrays."""

    def __mul__(self, factor: float) -> Work:
        return Work(*(factor * value for value in self.vector))

    @property
    def vector(self) -> tuple[float, ...]:
        """The numbers, in the order of the fields."""
        return (
            self.epochs,
            self.snapshots,
            self.calls,
            self.member_calls,
            self.flops,
            self.elements,
        )


def work(
    network: Network,
    training: Training,
    samples: int,
    validation_samples: int = 0,
    members: int = 1,
) -> Work:
    """Return the cost of a run, or of a sweep with so many members."""
    batch = training.samples_per_step(samples)
    steps = math.ceil(samples / batch)
    passes = 3 * samples + validation_samples
    activations = sum(math.prod(shape) for shape in network.shapes)
    moments = training.optimizer.moments
    epoch = Work(
        epochs=1.0,
        snapshots=len(network.layers) / training.gradients_every
        if training.gradients_every
        else 0.0,
        calls=steps * (calls := _calls_per_step(network, training, batch)),
        member_calls=steps * calls * (members - 1),
        flops=float(members * network.flops * passes),
        elements=float(members * (activations * passes + network.size * steps * (4 + 3 * moments))),
    )
    return epoch * training.epochs


def _calls_per_step(network: Network, training: Training, batch: int) -> int:
    gradient = Gradient(network, training.loss, batch, training.dtype)
    now: dict[str, Array] = {
        name: np.empty(network.size, training.dtype) for name in ("parameters", "gradient", "step")
    }
    now["moments"] = np.empty((training.optimizer.moments, network.size), training.dtype)
    calls = gradient.bind(
        np.empty(gradient.inputs.shape, training.dtype),
        np.empty(gradient.targets.shape, training.dtype),
        np.empty(gradient.targets.shape, training.dtype),
        gradient.parts(now["parameters"]),
        gradient.parts(now["gradient"]),
        np.random.default_rng(0),
    )
    rate = np.zeros((), training.dtype)
    return len(calls) + len(update(network, training, now, rate, 0))


def calibrate() -> list[tuple[Work, float]]:
    """Return what short runs cost and the seconds that they took on this machine.

    Each run is dominated by another part of the cost. They take about a fifth of a second.
    """
    return [*_calibrations()]


def _calibrations() -> Iterator[tuple[Work, float]]:
    rng = np.random.default_rng(0)
    small = Network((2,), (Dense(4, "tanh"), Dense(1)))
    for units, samples, batch, every in (
        (4, 256, 1, 0),  # calls
        (4, 4, None, 0),  # epochs
        (4, 4, None, 1),  # snapshots
        (256, 256, None, 0),  # products
        (8, 20_000, None, 0),  # elements
    ):
        network = Network((units,), (Dense(units, "tanh"), Dense(1)))
        inputs = rng.normal(size=(samples, units))
        training = Training("mse", Adam(1e-3), 100_000, batch, gradients_every=every)
        run = Run(network, training, Data(inputs, inputs[:, :1]))
        yield _timed(run, work(network, replace(training, epochs=1), samples))
    inputs = rng.normal(size=(64, 2))
    training = Training("mse", Adam(1e-3), 100_000, 1, gradients_every=0)
    sweep = Sweep(small, [training] * 16, Data(inputs, inputs[:, :1]))
    yield _timed(sweep, work(small, replace(training, epochs=1), 64, members=16))


def _timed(run: Run | Sweep, epoch: Work) -> tuple[Work, float]:
    """Train for about `CALIBRATION_SECONDS`; return the cost of the epochs, and the seconds."""
    epochs = iter(run)
    next(epochs)
    first, start = run.epoch, perf_counter()
    for completed in epochs:
        seconds = perf_counter() - start
        if seconds > CALIBRATION_SECONDS and run.at_boundary and completed > first:
            break
    return epoch * (run.epoch - first), seconds
