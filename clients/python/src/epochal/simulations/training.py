"""Section 8 of the journey: the training loop, its learning rates and its schedules."""

from __future__ import annotations

from dataclasses import dataclass

from ..diagnosis import Label, LabelName
from ..records import Floats, Ints
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
