"""The cost of a run, in numbers about proportional to its duration.

Small networks spend their time on NumPy calls, large ones on arithmetic, and very short epochs on
their records. The calls of a step are counted by compiling it; nothing is computed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from time import thread_time

import numpy as np

from ..data.data import Data
from ..model.decoding import Steps, uncached_layer
from ..model.layers import Dense, GlobalAveragePool, TransformerBlock
from ..model.losses import find_loss
from ..model.network import Network
from ..model.pairs import trained_network
from ..optimize.optimizers import Adam
from ..optimize.rewards import ScoreTexts
from ..symbolic.plan import calls_of
from ..symbolic.trace import Array, Call
from ..training.rollouts import TEXTS_AT_ONCE
from ..training.run import Run
from ..training.step import Gradient, update
from ..training.sweep import Sweep
from ..training.training import Training

MOST_BOUND_BYTES = 200_000_000
"""Larger plans are not bound to count their calls."""
CALIBRATION_SECONDS = 0.003
"""Least duration of the short runs that measure this machine."""
CALIBRATION_REPEATS = 5


@dataclass(frozen=True)
class Work:
    """The cost of a run. For a sweep, numbers are sums over all members, except `calls`."""

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
    """Elements of the arrays that all other calls go through."""

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
    """Return the cost of a run, or of a sweep with `members`."""
    samples, validation_samples = (
        n // find_loss(training.loss).rows for n in (samples, validation_samples)
    )
    network = trained_network(network, training.loss)
    batch = training.samples_per_step(samples)
    steps = math.ceil(samples / batch)
    forward, forward_calls, scoring = validation_samples, 0, 0
    compiled = steps_up_to(network, training, batch)
    calls = len(compiled[0].calls)
    if training.rollouts is not None:  # Texts are written, and two passes give the advantages.
        length = network.input_shape[0]
        if uncached_layer(network) is None:
            forward += 3 * samples
            token = len(calls_of(Steps(network, empty_weights(network, training)).passes()[0]))
            forward_calls = math.ceil(samples / TEXTS_AT_ONCE) * length * token
        else:
            forward += (length + 2) * samples
        if isinstance(training.rollouts.reward, ScoreTexts):
            scoring = samples * training.rollouts.reward.network.flops
    elements = at_batch(batch, compiled, lambda step: sum(map(_elements, step.calls)))
    epoch = Work(
        epochs=1.0,
        snapshots=len(network.layers) / training.gradients_every
        if training.gradients_every
        else 0.0,
        calls=steps * calls + forward_calls,
        member_calls=steps * calls * (members - 1),
        flops=float(members * network.flops * (3 * samples + forward) + scoring),
        elements=members * elements * (steps + forward / (3 * batch)),
    )
    return epoch * training.epochs


@dataclass(frozen=True, eq=False)
class StepCalls:
    """The calls of a step on arrays that nobody has written to, so that they take no memory."""

    batch: int
    calls: list[Call]
    another: list[Call]
    """The calls of a step on another batch of the same size."""
    given: list[Array]
    """Batches, and the vectors of parameters, which a run has once."""


def step_calls(network: Network, training: Training, batch: int) -> StepCalls:
    """Return the calls of a step. Raises MemoryError if it is too large for the system."""
    gradient = Gradient(network, training.loss, batch, training.dtype)
    changing = network.changing_size
    shapes = {"parameters": network.size, "gradient": changing, "step": changing}
    now: dict[str, Array] = {n: np.empty(size, training.dtype) for n, size in shapes.items()}
    now["moments"] = np.empty((training.optimizer.moments, changing), training.dtype)
    given = [*now.values()]

    def bound() -> list[Call]:
        shapes = gradient.inputs.shape, gradient.targets.shape, gradient.targets.shape
        batches = [np.empty(shape, training.dtype) for shape in shapes]
        given.extend(batches)
        parts = gradient.parts(now["parameters"]), gradient.parts(now["gradient"])
        return gradient.bind(batches[0], batches[1], batches[2], *parts, np.random.default_rng(0))

    calls = bound() + update(network, training, now, np.zeros((), training.dtype), 0)
    return StepCalls(batch, calls, bound(), given)


def empty_weights(network: Network, training: Training) -> dict[str, Array]:
    """Return weights that nobody has written to, so that they take no memory."""
    return {n: np.empty(shape, training.dtype) for n, shape in network.parameters.items()}


def steps_up_to(network: Network, training: Training, batch: int) -> list[StepCalls]:
    """Return the calls of a step; of two smaller batches where a plan for `batch` is too large.

    Address space may be limited, too. Raises MemoryError if a single sample is too large for it.
    """
    layout = Gradient(network, training.loss, batch, training.dtype).plan.bytes
    if layout <= MOST_BOUND_BYTES:
        return [step_calls(network, training, batch)]
    largest = max(1, batch * MOST_BOUND_BYTES // layout)
    sizes = dict.fromkeys((largest, max(1, largest // 2)))
    return [step_calls(network, training, size) for size in sizes]


def at_batch(
    batch: int, steps: Sequence[StepCalls], measure: Callable[[StepCalls], float]
) -> float:
    """Return the measure of a step on `batch` samples, extrapolated from the steps of
    `steps_up_to`."""
    first = steps[0]
    value = float(measure(first))
    if first.batch == batch:
        return value
    if len(steps) == 1:
        return value * batch / first.batch
    slope = (value - measure(steps[1])) / (first.batch - steps[1].batch)
    return value + slope * (batch - first.batch)


def arrays_in(call: Call) -> Iterator[Array]:
    """Yield the arrays that a call reads or writes."""
    function, arguments = call
    if isinstance(function, partial):
        yield from arrays_in((function.func, (*function.args, *function.keywords.values())))
    values = [getattr(function, "__self__", None), *arguments]
    for value in values:
        if isinstance(value, np.ndarray):
            yield value
        elif isinstance(value, tuple):
            yield from (array for array in value if isinstance(array, np.ndarray))


def _elements(call: Call) -> int:
    """Return the size of the largest array of a call; 0 for a product, which `flops` count."""
    function, arguments = call
    if getattr(function, "__name__", "") in ("dot", "matmul"):
        return 0
    arrays = [*arguments, *getattr(function, "keywords", {}).values()]
    return max((array.size for array in arrays if isinstance(array, np.ndarray)), default=0)


def calibrate() -> list[tuple[Work, float]]:
    """Return what short runs cost and the seconds that they took on this machine.

    Each run is dominated by another part of the cost. They take about a third of a second.
    """
    return [_timed(*calibration) for calibration in _calibrations()]


def _calibrations() -> Iterator[tuple[Work, Callable[[int], Run | Sweep]]]:
    """Yield the cost of an epoch, and a function that returns a run of N epochs."""
    rng = np.random.default_rng(0)
    for units, samples, batch, every in (
        (4, 256, 1, 0),  # calls
        (4, 4, None, 0),  # epochs
        (4, 4, None, 1),  # snapshots
        (256, 256, None, 0),  # products
        (8, 20_000, None, 0),  # elements
    ):
        network = Network((units,), (Dense(units, "tanh"), Dense(1)))
        inputs = rng.normal(size=(samples, units))
        data = Data(inputs, inputs[:, :1])
        training = Training("mse", Adam(1e-3), 1, batch, gradients_every=every)
        yield work(network, training, samples), partial(_run, network, training, data)
    # Calls of many kinds.
    block = TransformerBlock(heads=2, hidden=16)
    network = Network((8, 4), (block, GlobalAveragePool(), Dense(1)))
    inputs = rng.normal(size=(64, 8, 4))
    training = Training("mse", Adam(1e-3), 1, 8, gradients_every=0)
    data = Data(inputs, inputs[:, 0, :1])
    yield work(network, training, 64), partial(_run, network, training, data)
    small = Network((2,), (Dense(4, "tanh"), Dense(1)))
    inputs = rng.normal(size=(64, 2))
    data = Data(inputs, inputs[:, :1])
    training = Training("mse", Adam(1e-3), 1, 1, gradients_every=0)
    yield work(small, training, 64, members=16), partial(_sweep, small, training, data)


def _run(network: Network, training: Training, data: Data, epochs: int) -> Run:
    return Run(network, replace(training, epochs=epochs), data)


def _sweep(network: Network, training: Training, data: Data, epochs: int) -> Sweep:
    return Sweep(network, [replace(training, epochs=epochs)] * 16, data)


def _timed(epoch: Work, run_of: Callable[[int], Run | Sweep]) -> tuple[Work, float]:
    """Return the cost of a run of at least `CALIBRATION_SECONDS`, and its seconds."""
    epochs = 1
    while True:
        # A run computes several epochs together, so that only whole runs can be timed. The fastest
        # counts: other processes only delay a run.
        seconds = min(_seconds(run_of(epochs)) for _ in range(CALIBRATION_REPEATS))
        if seconds >= CALIBRATION_SECONDS:
            return epoch * epochs, seconds
        epochs = math.ceil(epochs * min(max(1.2 * CALIBRATION_SECONDS / seconds, 1.5), 50.0))


def _seconds(run: Run | Sweep) -> float:
    # Processor time of this thread: another one may train a job meanwhile.
    start = thread_time()
    for _ in run:
        pass
    return thread_time() - start
