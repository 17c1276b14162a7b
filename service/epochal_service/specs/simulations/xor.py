"""XOR by a hidden layer of two units, as it may be asked for."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ..base import ActivationName, Reply, Spec
from .line import Line
from .neuron import Value
from .perceptron import Separation, TruthTableName
from .quantity import Quantity


class XorUnit(Spec):
    """A unit of two inputs."""

    weights: list[Value] = Field(min_length=2, max_length=2)
    bias: Value


class SimulateXorRequest(Spec):
    """Two inputs, two hidden units, one output: by hand, with weights given, or trained.

    With nothing given, the hidden units are OR and NAND, and the output is AND of both, all of them
    steps. With `hidden` and `output` these are the units. With `train` the engine looks for them.
    """

    hidden: Annotated[list[XorUnit], Field(min_length=2, max_length=2)] | None = None
    output: XorUnit | None = None
    """The output unit, whose inputs are the hidden units' outputs."""
    train: bool = False
    activation: ActivationName | None = None
    """Of the hidden units; `step` if left out, `tanh` if they are to be trained. Any but
    `softmax`. The output is a step if the hidden units are, and a sigmoid otherwise."""
    seed: int = Field(default=0, ge=0, lt=2**53)
    """When training: of the first start."""
    starts: int = Field(default=8, ge=1, le=32)
    """When training: so many networks with other first weights are trained at once, and the one
    with the smallest loss is shown. Starts times epochs may be 16,000 at most."""
    epochs: int = Field(default=500, ge=1, le=2000)
    """When training: steps of Adam, on all four points each."""
    learning_rate: Annotated[float, Field(gt=0.0, le=10.0)] = 0.05
    resolution: int = Field(default=25, ge=2, le=51)
    """Places along each side of the grid."""


class XorHiddenUnit(Reply):
    """A hidden unit: a line in the plane of inputs, and what lies on its far side."""

    name: str
    weights: list[float]
    bias: float
    line: Line | None = None
    """Where its weighted sum is 0."""
    gate: TruthTableName
    """The truth table of a weighted sum of at least 0."""


class XorOutputUnit(Reply):
    """The output: a line in the plane of the hidden units' outputs."""

    weights: list[float]
    bias: float
    line: Line | None = None
    gate: TruthTableName
    """What the whole network does, read as 1 where the weighted sum is at least 0."""


class XorPoint(Reply):
    """A row of the truth table on its way through the network."""

    inputs: list[float]
    target: int
    hidden_sums: list[Quantity]
    hidden: list[Quantity]
    """Where the point lies in the plane of the hidden units' outputs."""
    output_sum: Quantity
    output: Quantity
    answer: int
    """1 if the output's weighted sum is at least 0."""
    is_right: bool


class XorStart(Reply):
    """How one of the trained networks ended."""

    seed: int
    loss: float
    """Binary cross-entropy; a guess has 0.693."""
    solved: bool


class XorGrid(Reply):
    """The output over a square of inputs."""

    x_values: list[float]
    y_values: list[float]
    outputs: list[list[float]]
    """One row for each of `y_values`, one column for each of `x_values`."""


class XorSimulation(Reply):
    """How two lines and a third do what one cannot."""

    activation: ActivationName
    output_activation: ActivationName
    hidden_units: list[XorHiddenUnit]
    output_unit: XorOutputUnit
    points: list[XorPoint]
    solved: bool
    """Whether all four answers are right."""
    hidden_separation: Separation | None = None
    """The widest way to part the four points where the hidden layer puts them; null if no line
    can, as none can where they come from."""
    grid: XorGrid
    starts: list[XorStart]
    """Of training, in the order of the seeds; else none."""
    shown_seed: int | None = None
    """The seed of the network that is shown, if it was trained."""
    verdict: str
