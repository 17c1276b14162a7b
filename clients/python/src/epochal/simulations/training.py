"""Section 8 of the journey: the training loop, its learning rates and its schedules."""

from __future__ import annotations

from dataclasses import dataclass

from ..diagnosis import Label, LabelName
from ..records import Floats, Ints
from ..specs import Spec
from .explorer import Explorer
from .quantity import Quantity


@dataclass(frozen=True)
class LayerStep:
    """What one step means for one layer."""

    layer: str
    gradient_norm: float
    update_norm: float
    """How far the step moves the layer's parameters."""
    update_ratio: float
    """That over the length of the parameters."""


@dataclass(frozen=True)
class TrainingStep:
    """Forward, loss, backward, update, for one batch."""

    step: int
    epoch: int
    samples: Ints
    """The places of the batch's samples in the data set, in order; at most the first 32."""
    batch_size: int
    forward: Quantity
    loss: Quantity
    """The mean over the batch."""
    backward: Quantity
    """The length of the whole gradient."""
    update: Quantity
    """What the step makes of the parameter with the largest slope."""
    learning_rate: float
    layers: tuple[LayerStep, ...]


@dataclass(frozen=True)
class PlaneSample:
    """A sample of two features."""

    inputs: Floats
    target: float


@dataclass(frozen=True)
class PlaneMap:
    """What the network made of the plane after an epoch."""

    epoch: int
    """0 before the first."""
    outputs: Floats
    """One row for each of the plane's `y_values`, one column for each of its `x_values`; in
    thousandths."""


@dataclass(frozen=True)
class TrainingPlane:
    """The plane of two inputs, while a network learns to divide it."""

    x_values: Floats
    y_values: Floats
    samples: tuple[PlaneSample, ...]
    maps: tuple[PlaneMap, ...]
    """In the order of their epochs."""


@dataclass(frozen=True)
class TrainingSimulation:
    """A short run, the first steps of it in full."""

    steps: tuple[TrainingStep, ...]
    train_loss: Floats
    """Of each epoch, as its samples were met."""
    train_accuracy: Floats
    """Empty where the loss knows no right and wrong."""
    gradient_norm: Floats
    learning_rate: Floats
    label: Label
    """What the curve says of the learning rate."""
    stop_reason: str
    samples: int
    steps_per_epoch: int
    parameters: int
    price: Quantity
    verdict: str
    plane: TrainingPlane | None
    """With its `maps`, where they were asked for."""


@dataclass(frozen=True)
class RateResult:
    """The runs at one rate, of which the one in the middle is told."""

    learning_rate: float
    label: LabelName
    labels: tuple[LabelName, ...]
    """Of each seed."""
    final_loss: float
    curve: Floats
    """The loss at the reply's `curve_epochs`; shorter where the run diverged."""


@dataclass(frozen=True)
class RateBand:
    """Neighboring rates of one label."""

    label: LabelName
    lowest: float
    highest: float
    rates: int


@dataclass(frozen=True)
class LearningRatesSimulation:
    """Where a learning rate is too low, slow, good, oscillating, or diverges."""

    results: tuple[RateResult, ...]
    """From the lowest rate to the highest."""
    curve_epochs: Ints
    bands: tuple[RateBand, ...]
    best: float
    """The rate with the lowest final loss."""
    samples: int
    price: Quantity
    verdict: str


@dataclass(frozen=True)
class SchedulePoint:
    epoch: int
    step: int
    """The first step of the epoch, counted from 1."""
    learning_rate: float


@dataclass(frozen=True)
class ScheduleSimulation:
    """The learning rate of every epoch."""

    points: tuple[SchedulePoint, ...]
    formula: str
    first: Quantity
    midpoint: Quantity
    """Half way through what comes after the warm-up."""
    last: Quantity
    """After the last epoch: where the schedule leads."""
    highest: float
    warmup_epochs: int
    total_steps: int
    verdict: str


class TrainingExplorer(Explorer):
    """Part of `client.simulate`."""

    def training(
        self,
        *,
        network: Spec | None = None,
        dataset: Spec | None = None,
        loss: str | None = None,
        epochs: int | None = None,
        batch_size: int | None = None,
        optimizer: Spec | None = None,
        schedule: Spec | None = None,
        seed: int | None = None,
        steps: int | None = None,
        maps: int | None = None,
    ) -> TrainingSimulation:
        """A short run without a job: its first steps in full, and the curve of the rest.

        `steps` of them (0 to 10) are told. At most 2,000 samples, 2,000 `epochs` and 20,000
        parameters, within a budget of about 0.2 s; the `dataset` is named, or rows: `{"inputs": …,
        "targets": …}`. With `maps` (up to 40), that many maps of the plane of two inputs, from the
        first weights to the last.

        >>> answer = client.simulate.training(epochs=20)
        >>> answer.train_loss.shape, len(answer.steps)
        ((20,), 3)
        """
        return self._ask(
            "SimulateTraining",
            TrainingSimulation,
            network=network,
            dataset=dataset,
            loss=loss,
            epochs=epochs,
            batch_size=batch_size,
            optimizer=optimizer,
            schedule=schedule,
            seed=seed,
            steps=steps,
            maps=maps,
        )

    def learning_rates(
        self,
        *,
        network: Spec | None = None,
        dataset: Spec | None = None,
        loss: str | None = None,
        epochs: int | None = None,
        batch_size: int | None = None,
        optimizer: Spec | None = None,
        lowest: float | None = None,
        highest: float | None = None,
        rates: int | None = None,
        seeds: int | None = None,
        seed: int | None = None,
    ) -> LearningRatesSimulation:
        """Where a learning rate is too low, slow, good, oscillating or diverging, by training.

        `rates` of them (2 to 64) from `lowest` to `highest`, in equal ratios, each from `seeds`
        starts (1 to 9); the run in the middle is told. For more rates, seeds or epochs than one
        call may cost, see `client.sweeps`.

        >>> answer = client.simulate.learning_rates(rates=3, lowest=1e-6, highest=1e4, epochs=50)
        >>> [round(result.learning_rate, 6) for result in answer.results]
        [1e-06, 0.1, 10000.0]
        """
        return self._ask(
            "SimulateLearningRates",
            LearningRatesSimulation,
            network=network,
            dataset=dataset,
            loss=loss,
            epochs=epochs,
            batch_size=batch_size,
            optimizer=optimizer,
            lowest=lowest,
            highest=highest,
            rates=rates,
            seeds=seeds,
            seed=seed,
        )

    def schedule(
        self,
        schedule: Spec,
        *,
        learning_rate: float | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        points: int | None = None,
    ) -> ScheduleSimulation:
        """The learning rate of every epoch by a schedule, before anything is trained.

        `points` epochs at most (2 to 2,001) are told, evenly spaced, the first and the last among
        them.

        >>> cosine = {"type": "cosine", "final_fraction": 0.1}
        >>> client.simulate.schedule(cosine, learning_rate=3e-4).midpoint.value
        0.000165
        """
        return self._ask(
            "SimulateSchedule",
            ScheduleSimulation,
            schedule=schedule,
            learning_rate=learning_rate,
            epochs=epochs,
            steps_per_epoch=steps_per_epoch,
            points=points,
        )
