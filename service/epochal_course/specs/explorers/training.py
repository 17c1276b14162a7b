"""Requests and replies of the training explorers: runs, learning rates, and schedules."""

from __future__ import annotations

from pydantic import Field

from epochal_engine import LabelName, StopReason
from epochal_service.specs.base import Int64, Reply, Spec
from epochal_service.specs.diagnosis import Label
from epochal_service.specs.training import (
    AdamSpec,
    ConstantSpec,
    LearningRate,
    OptimizerSpec,
    ScheduleSpec,
)

from .quantity import Quantity
from .short_run import ShortRunSpec


class SimulateTrainingRequest(ShortRunSpec):
    """A short run, with its first steps in detail."""

    epochs: int = Field(default=50, ge=1, le=2000)
    """Number of epochs. Default 50."""
    optimizer: OptimizerSpec = AdamSpec(type="adam", learning_rate=0.01)
    """The optimizer. Default Adam with learning rate 0.01."""
    schedule: ScheduleSpec = ConstantSpec(type="constant")
    """The learning rate schedule. Default constant."""
    steps: int = Field(default=3, ge=0, le=10)
    """Number of first steps to return. Default 3."""
    maps: int = Field(default=0, ge=0, le=40)
    """Number of maps of the output over the input plane, from the initial weights to the last ones,
    closer together at the beginning. For networks with two inputs and one output. Default 0."""


class LayerStep(Reply):
    """One step of one layer."""

    layer: str
    """The name of the layer, e.g. `dense_1`; a residual includes its inner layers."""
    gradient_norm: float
    """Gradient norm ‖∂L/∂W, ∂L/∂b‖ of the mean loss of the batch."""
    update_norm: float
    """Norm of the update of the layer's parameters."""
    update_ratio: float
    """Update ratio: norm of the update over norm of the parameters."""


class TrainingStep(Reply):
    """Forward pass, loss, backward pass and update for one batch."""

    step: int
    """Number of the step, from 1."""
    epoch: int
    """Number of the epoch, from 1."""
    samples: list[int]
    """Indices of the first 32 samples of the batch, from 0."""
    batch_size: int
    """Number of samples in the batch; the last batch of an epoch may be smaller."""
    mean_output: Quantity
    """Mean over the batch of the outputs: logits if the loss includes the sigmoid or softmax, else
    predictions."""
    loss: Quantity
    """Mean loss of the batch."""
    gradient_norm: Quantity
    """Gradient norm over all parameters."""
    update: Quantity
    """Update of the parameter with the largest gradient."""
    learning_rate: float
    """Learning rate of the step."""
    layers: list[LayerStep]
    """Layers with parameters, in forward order."""


class PlaneSample(Reply):
    """A sample with two features."""

    inputs: list[float]
    """The two features."""
    target: float
    """The target of the sample."""


class PlaneMap(Reply):
    """The output over the input plane after an epoch."""

    epoch: int
    """Number of the epoch; 0 before training."""
    outputs: list[list[float]]
    """The outputs, rounded to 0.001: a row for each of `y_values`, a column for each of
    `x_values`."""


class TrainingPlane(Reply):
    """Maps of the output over the input plane during training."""

    x_values: list[float]
    """Columns of the maps: 40 values of the first input, with a margin around the samples."""
    y_values: list[float]
    """Rows of the maps: 40 values of the second input."""
    samples: list[PlaneSample]
    """The training samples, in the order of the data set."""
    maps: list[PlaneMap]
    """The maps in the order of their epochs."""


class TrainingSimulation(Reply):
    """The course of a short run."""

    steps: list[TrainingStep]
    """The first steps, as many as requested."""
    train_loss: list[float]
    """Training loss of each epoch, measured during the epoch."""
    train_accuracy: list[float]
    """Training accuracy of each epoch; empty for a loss without classes."""
    gradient_norm: list[float]
    """Gradient norm of the last batch of each epoch."""
    learning_rate: list[float]
    """Learning rate of each epoch."""
    label: Label
    """Assessment of the learning rate from the loss curve."""
    stop_reason: StopReason
    """Why training stopped: `completed`, or `diverged` if a number was not finite."""
    samples: int
    """Number of samples."""
    steps_per_epoch: int
    """Number of steps per epoch."""
    parameters: Int64
    """Number of parameters of the network."""
    cost: Quantity
    """Cost of the run in operations, and its limit."""
    verdict: str
    """The change of the loss, and its meaning for the learning rate, in a sentence."""
    plane: TrainingPlane | None = None
    """Maps of the output over the input plane; null unless requested."""


class SimulateLearningRatesRequest(ShortRunSpec):
    """A short run at many learning rates."""

    optimizer: OptimizerSpec = AdamSpec(type="adam")
    """The optimizer. Its own learning rate is not used. Default Adam."""
    epochs: int = Field(default=500, ge=2, le=2000)
    """Number of epochs per run. Default 500."""
    lowest: LearningRate = 1e-4
    """Lowest learning rate. Default 0.0001."""
    highest: LearningRate = 10.0
    """Highest learning rate, greater than `lowest`. Default 10."""
    rates: int = Field(default=24, ge=2, le=64)
    """Number of learning rates, geometrically spaced from `lowest` to `highest`. Default 24."""
    seeds: int = Field(default=1, ge=1, le=9)
    """Runs per learning rate, with seeds from `seed` on. The median run is returned. Default 1."""


class RateResult(Reply):
    """The runs at one learning rate."""

    learning_rate: float
    """The learning rate of these runs."""
    label: LabelName
    """Label of the median run."""
    labels: list[LabelName]
    """Label of the run of each seed."""
    final_loss: float
    """Training loss of the last epoch of the median run."""
    curve: list[float]
    """Loss of the median run at the reply's `curve_epochs`; shorter if it diverged."""


class RateBand(Reply):
    """Neighboring learning rates with the same label."""

    label: LabelName
    """Label of these learning rates."""
    lowest: float
    """Lowest tried learning rate of the band."""
    highest: float
    """Highest tried learning rate of the band."""
    rates: int
    """Number of tried learning rates in the band."""


class LearningRatesSimulation(Reply):
    """Learning rates with their labels."""

    results: list[RateResult]
    """Results in ascending order of the learning rate."""
    curve_epochs: list[int]
    """Epochs of the curves: at most 50, from 1."""
    bands: list[RateBand]
    """Bands in ascending order; the exact boundary between two bands is not known."""
    best_learning_rate: float
    """Learning rate with the lowest final loss."""
    samples: int
    """Number of samples."""
    cost: Quantity
    """Cost of all runs in operations, and its limit."""
    verdict: str
    """The band of good learning rates, and the best one, in a sentence."""


class SimulateScheduleRequest(Spec):
    """A learning rate schedule."""

    schedule: ScheduleSpec
    """The schedule to compute."""
    learning_rate: LearningRate = 0.001
    """Base learning rate of the optimizer. Default 0.001."""
    epochs: int = Field(default=100, ge=1, le=10_000)
    """Number of epochs. Default 100."""
    steps_per_epoch: int = Field(default=1, ge=1, le=1_000_000)
    """Number of steps per epoch. The learning rate is constant within an epoch. Default 1."""
    points: int = Field(default=200, ge=2, le=2001)
    """Maximum number of epochs to return, evenly spaced from the first to the last. Default 200."""


class SchedulePoint(Reply):
    """One epoch."""

    epoch: int
    """Number of the epoch, from 1."""
    step: int
    """Number of the first step of the epoch, from 1."""
    learning_rate: float
    """Learning rate of the epoch."""


class ScheduleSimulation(Reply):
    """The learning rate of every epoch."""

    points: list[SchedulePoint]
    """The returned epochs in order."""
    formula: str
    """Formula of the learning rate η(t) after t epochs, with T epochs in all, W warm-up epochs and
    the final fraction f."""
    first: Quantity
    """Learning rate of the first epoch."""
    midpoint: Quantity
    """Learning rate halfway between the warm-up and the end."""
    last: Quantity
    """Learning rate after the last epoch, the end point of the schedule."""
    highest: float
    """Highest learning rate of any epoch."""
    warmup_epochs: int
    """Number of warm-up epochs."""
    total_steps: int
    """Number of steps in all epochs."""
    verdict: str
    """How the learning rate changes from the first epoch to the last, in a sentence."""
