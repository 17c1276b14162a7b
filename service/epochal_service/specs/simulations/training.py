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
    """Rounds through all samples."""
    optimizer: OptimizerSpec = AdamSpec(type="adam", learning_rate=0.01)
    """How gradients become steps; Adam at a rate of 0.01 by default."""
    schedule: ScheduleSpec = ConstantSpec(type="constant")
    """How the learning rate changes from epoch to epoch; it stays the same by default."""
    steps: int = Field(default=3, ge=0, le=10)
    """How many of the first steps are told."""
    maps: int = Field(default=0, ge=0, le=40)
    """How often the output is mapped over the plane of inputs, from the first weights to the last,
    closer together at the beginning. For networks of two inputs and one output."""


class LayerStep(Reply):
    """What one step means for one layer."""

    layer: str
    """E.g. `dense_1`; a residual counts as one, with all that is within."""
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
    """Samples of the batch; the last one of an epoch may be smaller."""
    forward: Quantity
    """The mean over the batch and all outputs of what the loss is computed from: logits where it
    takes a sigmoid or a softmax with it, else predictions."""
    loss: Quantity
    """The mean over the batch."""
    backward: Quantity
    """The length of the whole gradient."""
    update: Quantity
    """What the step makes of the parameter with the largest slope."""
    learning_rate: float
    """At which the step was taken."""
    layers: list[LayerStep]
    """Layers that learn, in forward order."""


class PlaneSample(Reply):
    """A sample of two features."""

    inputs: list[float]
    """Two numbers: along `x_values` and along `y_values`."""
    target: float
    """What the network should give there."""


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
    """Columns of the maps: 40 places of the first input, a little beyond the samples on both sides.
    """
    y_values: list[float]
    """Rows of the maps: 40 places of the second input."""
    samples: list[PlaneSample]
    """All that is learnt from, in the order of the data set."""
    maps: list[PlaneMap]
    """In the order of their epochs."""


class TrainingSimulation(Reply):
    """A short run."""

    steps: list[TrainingStep]
    """The first steps, as many as were asked for."""
    train_loss: list[float]
    """Of each epoch, as its samples were met."""
    train_accuracy: list[float]
    """Empty where the loss knows no right and wrong."""
    gradient_norm: list[float]
    """Of each epoch: the length of its last batch's gradient."""
    learning_rate: list[float]
    """Of each epoch, as the schedule has it."""
    label: Label
    """What the curve says of the learning rate."""
    stop_reason: StopReason
    """Why it ended: `completed`, or `diverged` where a number was no longer finite."""
    samples: int
    """Rows of the data."""
    steps_per_epoch: int
    """Batches that the samples make."""
    parameters: int
    """Trainable numbers of the network."""
    price: Quantity
    """The operations that the run cost, and how many one call may cost."""
    verdict: str
    """From where to where the loss went, and what that says of the learning rate."""
    plane: TrainingPlane | None = None
    """With its `maps`, where they were asked for."""


class SimulateLearningRatesRequest(ShortRunSpec):
    """The same run at many learning rates at once."""

    optimizer: OptimizerSpec = AdamSpec(type="adam")
    """Its learning rate is left aside; Adam by default."""
    epochs: int = Field(default=500, ge=2, le=2000)
    """Rounds through all samples, at each rate."""
    lowest: LearningRate = 1e-4
    """The first rate that is tried."""
    highest: LearningRate = 10.0
    """The last rate that is tried; greater than `lowest`."""
    rates: int = Field(default=24, ge=2, le=64)
    """How many, in equal ratios from `lowest` to `highest`."""
    seeds: int = Field(default=1, ge=1, le=9)
    """How many runs at each rate, from `seed` on; the one in the middle is told."""


class RateResult(Reply):
    """The runs at one rate, of which the one in the middle is told."""

    learning_rate: float
    """The rate that was tried."""
    label: LabelName
    """What the curve of the run in the middle says of the rate."""
    labels: list[LabelName]
    """What the curve of each seed says, in order."""
    final_loss: float
    """The training loss of its last epoch."""
    curve: list[float]
    """The loss at the reply's `curve_epochs`; shorter where the run diverged."""


class RateBand(Reply):
    """Neighboring rates of one label."""

    label: LabelName
    """What the curves say of these rates."""
    lowest: float
    """The lowest rate of those tried that lies in it."""
    highest: float
    """The highest rate of those tried that lies in it."""
    rates: int
    """How many of those tried lie in it."""


class LearningRatesSimulation(Reply):
    """Where a learning rate is too low, slow, good, oscillating, or diverges."""

    results: list[RateResult]
    """From the lowest rate to the highest."""
    curve_epochs: list[int]
    """Epochs of which the curves tell, at most 50 from the first to the last, counted from 1."""
    bands: list[RateBand]
    """From the lowest rate to the highest: between two bands lies a rate that neither knows."""
    best: float
    """The rate with the lowest final loss."""
    samples: int
    """Rows of the data."""
    price: Quantity
    """The operations that the sweep cost, and how many one call may cost."""
    verdict: str
    """From where to where rates are good, and which came out best."""


class SimulateScheduleRequest(Spec):
    """A schedule, drawn before any training."""

    schedule: ScheduleSpec
    """How the rate changes from epoch to epoch."""
    learning_rate: LearningRate = 0.001
    """The optimizer's, which the schedule takes as its measure."""
    epochs: int = Field(default=100, ge=1, le=10_000)
    """The length of the training."""
    steps_per_epoch: int = Field(default=1, ge=1, le=1_000_000)
    """A rate holds for a whole epoch; this counts its steps."""
    points: int = Field(default=200, ge=2, le=2001)
    """How many epochs are told at most, evenly spaced; the first and the last always are."""


class SchedulePoint(Reply):
    """One epoch."""

    epoch: int
    """Counted from 1."""
    step: int
    """The first step of the epoch, counted from 1."""
    learning_rate: float
    """The rate at which the whole epoch is trained."""


class ScheduleSimulation(Reply):
    """The learning rate of every epoch."""

    points: list[SchedulePoint]
    """Epochs in order."""
    formula: str
    """The rate η(t) after t epochs: T is all epochs, W those of the warm-up, f the
    `final_fraction`."""
    first: Quantity
    """The rate of the first epoch."""
    midpoint: Quantity
    """Half way through what comes after the warm-up."""
    last: Quantity
    """After the last epoch: where the schedule leads."""
    highest: float
    """The highest rate of any epoch."""
    warmup_epochs: int
    """Epochs in which the rate rises, before the schedule proper begins."""
    total_steps: int
    """Steps of all epochs."""
    verdict: str
    """How the rate goes from the first epoch to the last, in a sentence."""
