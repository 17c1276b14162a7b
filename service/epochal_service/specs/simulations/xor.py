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
    """One for each of its two inputs."""
    bias: Value
    """What is added to the weighted inputs."""


class SimulateXorRequest(Spec):
    """Two inputs, two hidden units, one output: by hand, with weights given, or trained.

    With nothing given, the hidden units are OR and NAND, and the output is AND of both, all of them
    steps. With `hidden` and `output` these are the units. With `train` the engine looks for them.
    """

    hidden: Annotated[list[XorUnit], Field(min_length=2, max_length=2)] | None = None
    """Both hidden units; together with `output`, or not at all."""
    output: XorUnit | None = None
    """The output unit, whose inputs are the hidden units' outputs."""
    train: bool = False
    """Let the engine look for the units, by Adam on binary cross-entropy."""
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
    """When training: of Adam."""
    resolution: int = Field(default=25, ge=2, le=51)
    """Places along each side of the grid."""


class XorHiddenUnit(Reply):
    """A hidden unit: a line in the plane of inputs, and what lies on its far side."""

    name: str
    """As in the formulas: `h1` or `h2`."""
    weights: list[float]
    """Of the two inputs."""
    bias: float
    """What is added to the weighted inputs."""
    line: Line | None = None
    """Where its weighted sum is 0."""
    gate: TruthTableName
    """The truth table of a weighted sum of at least 0."""


class XorOutputUnit(Reply):
    """The output: a line in the plane of the hidden units' outputs."""

    weights: list[float]
    """Of the two hidden units."""
    bias: float
    """What is added to the weighted hidden outputs."""
    line: Line | None = None
    """Where its weighted sum is 0, in the plane of the hidden units' outputs."""
    gate: TruthTableName
    """What the whole network does, read as 1 where the weighted sum is at least 0."""


class XorPoint(Reply):
    """A row of the truth table on its way through the network."""

    inputs: list[float]
    """Two bits, 0 or 1."""
    target: int
    """XOR of them: 1 if they differ."""
    hidden_sums: list[Quantity]
    """The weighted sum of each hidden unit."""
    hidden: list[Quantity]
    """Where the point lies in the plane of the hidden units' outputs."""
    output_sum: Quantity
    """The weighted sum of the output unit."""
    output: Quantity
    """What the network puts out: 0 or 1 by a step, or a probability by a sigmoid."""
    answer: int
    """1 if the output's weighted sum is at least 0."""
    is_right: bool
    """Whether `answer` is the target."""


class XorStart(Reply):
    """How one of the trained networks ended."""

    seed: int
    """From which its first weights were drawn."""
    loss: float
    """Binary cross-entropy; a guess has 0.693."""
    solved: bool
    """Whether all four answers are right."""


class XorGrid(Reply):
    """The output over a square of inputs."""

    x_values: list[float]
    """Of the first input, from -0.5 to 1.5."""
    y_values: list[float]
    """Of the second input, from -0.5 to 1.5."""
    outputs: list[list[float]]
    """One row for each of `y_values`, one column for each of `x_values`."""


class XorSimulation(Reply):
    """How two lines and a third do what one cannot."""

    activation: ActivationName
    """Of the hidden units."""
    output_activation: ActivationName
    """`step` or `sigmoid`."""
    hidden_units: list[XorHiddenUnit]
    """Two lines in the plane of the inputs."""
    output_unit: XorOutputUnit
    """A third line, in the plane that the hidden units make."""
    points: list[XorPoint]
    """00, 01, 10 and 11, in this order."""
    solved: bool
    """Whether all four answers are right."""
    hidden_separation: Separation | None = None
    """The widest way to part the four points where the hidden layer puts them; null if no line
    can, as none can where they come from."""
    grid: XorGrid
    """What the network puts out around the four points, to draw as a map."""
    starts: list[XorStart]
    """Of training, in the order of the seeds; else none."""
    shown_seed: int | None = None
    """The seed of the network that is shown, if it was trained."""
    verdict: str
    """Which gates the hidden units are, and whether that is enough, in words."""
