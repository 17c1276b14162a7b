"""The training loop, as it may be asked for: its steps, its learning rates, its schedules."""

from __future__ import annotations

from pydantic import Field

from epochal_engine import LabelName, StopReason

from ..base import Reply, Spec
from ..diagnosis import Label
from ..training import AdamSpec, ConstantSpec, LearningRate, OptimizerSpec, ScheduleSpec
from .quantity import Quantity
from .short_run import ShortRunSpec


class SimulateTrainingRequest(ShortRunSpec):
    """A short run, the first steps of it in full."""

    epochs: int = Field(default=50, ge=1, le=2000)
    optimizer: OptimizerSpec = AdamSpec(type="adam", learning_rate=0.01)
    schedule: ScheduleSpec = ConstantSpec(type="constant")
    steps: int = Field(default=3, ge=0, le=10)
    """How many of the first steps are told."""
    maps: int = Field(default=0, ge=0, le=40)
    """How often the output is mapped over the plane of inputs, from the first weights to the last,
    closer together at the beginning. For networks of two inputs and one output."""


class LayerStep(Reply):
    """What one step means for one layer."""

    layer: str
    gradient_norm: float
    """‖∂L/∂W, ∂L/∂b‖, of the batch's mean loss."""
    update_norm: float
    """How far the step moves the layer's parameters."""
    update_ratio: float
    """That over the length of the parameters."""


class TrainingStep(Reply):
    """Forward, loss, backward, update, for one batch."""

    step: int
    """Counted from 1."""
    epoch: int
    """Counted from 1."""
    samples: list[int]
    """The places of the batch's samples in the data set, in order; at most the first 32."""
    batch_size: int
    forward: Quantity
    """The mean of the predictions over the batch, and all outputs."""
    loss: Quantity
    """The mean over the batch."""
    backward: Quantity
    """The length of the whole gradient."""
    update: Quantity
    """What the step makes of the parameter with the largest slope."""
    learning_rate: float
    layers: list[LayerStep]


class PlaneSample(Reply):
    """A sample of two features."""

    inputs: list[float]
    target: float


class PlaneMap(Reply):
    """What the network made of the plane after an epoch."""

    epoch: int
    """0 before the first."""
    outputs: list[list[float]]
    """One row for each of the plane's `y_values`, one column for each of its `x_values`; in
    thousandths."""


class TrainingPlane(Reply):
    """The plane of two inputs, while a network learns to divide it."""

    x_values: list[float]
    y_values: list[float]
    samples: list[PlaneSample]
    maps: list[PlaneMap]
    """In the order of their epochs."""


class TrainingSimulation(Reply):
    """A short run."""

    steps: list[TrainingStep]
    train_loss: list[float]
    """Of each epoch, as its samples were met."""
    train_accuracy: list[float]
    """Empty where the loss knows no right and wrong."""
    gradient_norm: list[float]
    learning_rate: list[float]
    label: Label
    """What the curve says of the learning rate."""
    stop_reason: StopReason
    samples: int
    steps_per_epoch: int
    parameters: int
    price: Quantity
    """The operations that the run cost, and how many one call may cost."""
    verdict: str
    plane: TrainingPlane | None = None
    """With its `maps`, where they were asked for."""


class SimulateLearningRatesRequest(ShortRunSpec):
    """The same run at many learning rates at once."""

    optimizer: OptimizerSpec = AdamSpec(type="adam")
    """Its learning rate is left aside."""
    epochs: int = Field(default=500, ge=2, le=2000)
    lowest: LearningRate = 1e-4
    highest: LearningRate = 10.0
    rates: int = Field(default=24, ge=2, le=64)
    """How many, in equal ratios from `lowest` to `highest`."""
    seeds: int = Field(default=1, ge=1, le=9)
    """How many runs at each rate, from `seed` on; the one in the middle is told."""


class RateResult(Reply):
    """The runs at one rate, of which the one in the middle is told."""

    learning_rate: float
    label: LabelName
    labels: list[LabelName]
    """Of each seed."""
    final_loss: float
    curve: list[float]
    """The loss at the reply's `curve_epochs`; shorter where the run diverged."""


class RateBand(Reply):
    """Neighboring rates of one label."""

    label: LabelName
    lowest: float
    highest: float
    rates: int
    """How many of those tried lie in it."""


class LearningRatesSimulation(Reply):
    """Where a learning rate is too low, slow, good, oscillating, or diverges."""

    results: list[RateResult]
    """From the lowest rate to the highest."""
    curve_epochs: list[int]
    bands: list[RateBand]
    """From the lowest rate to the highest: between two bands lies a rate that neither knows."""
    best: float
    """The rate with the lowest final loss."""
    samples: int
    price: Quantity
    """The operations that the sweep cost, and how many one call may cost."""
    verdict: str


class SimulateScheduleRequest(Spec):
    """A schedule, drawn before any training."""

    schedule: ScheduleSpec
    learning_rate: LearningRate = 0.001
    """The optimizer's."""
    epochs: int = Field(default=100, ge=1, le=10_000)
    steps_per_epoch: int = Field(default=1, ge=1, le=1_000_000)
    """A rate holds for a whole epoch; this counts its steps."""
    points: int = Field(default=200, ge=2, le=2001)
    """How many epochs are told at most, evenly spaced; the first and the last always are."""


class SchedulePoint(Reply):
    epoch: int
    """Counted from 1."""
    step: int
    """The first step of the epoch, counted from 1."""
    learning_rate: float


class ScheduleSimulation(Reply):
    """The learning rate of every epoch."""

    points: list[SchedulePoint]
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
