"""Request and reply of the XOR explorer."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from epochal_service.specs.base import ActivationName, Int64, Reply, Spec

from .line import Line
from .neuron import Value
from .perceptron import Separation, TruthTableName
from .quantity import Quantity


class XorUnit(Spec):
    """A unit with two inputs."""

    weights: list[Value] = Field(min_length=2, max_length=2)
    """The weights of the two inputs."""
    bias: Value
    """The bias, added to the weighted inputs."""


class SimulateXorRequest(Spec):
    """A 2-2-1 network for XOR: by hand, with given units, or trained.

    By default the hidden units are OR and NAND and the output unit is AND, all with the step
    activation. `hidden` and `output` replace the units. `train` trains them.
    """

    hidden: Annotated[list[XorUnit], Field(min_length=2, max_length=2)] | None = None
    """The two hidden units. Requires `output`."""
    output: XorUnit | None = None
    """The output unit. Its inputs are the outputs of the hidden units. Requires `hidden`."""
    train: bool = False
    """Whether to train the units with Adam on binary cross-entropy. Off by default."""
    activation: ActivationName | None = None
    """Activation of the hidden units. Any but `softmax`, and not `step` with `train`. Default
    `step`, with `train` `tanh`. The output is a step if the hidden units are, else a sigmoid."""
    seed: Int64 = Field(default=0, ge=0, lt=2**53)
    """Random seed of the first training run; the others use the next seeds. Default 0."""
    runs: int = Field(default=8, ge=1, le=32)
    """Number of training runs with different initial weights; the run with the smallest loss is
    shown. Runs times epochs is at most 16,000. Default 8."""
    epochs: int = Field(default=500, ge=1, le=2000)
    """Number of training epochs, one step on all four points each. Default 500."""
    learning_rate: Annotated[float, Field(gt=0.0, le=10.0)] = 0.05
    """Learning rate of Adam. Default 0.05."""
    resolution: int = Field(default=25, ge=2, le=51)
    """Number of grid points per axis. Default 25."""


class XorHiddenUnit(Reply):
    """A hidden unit as a line in the input plane."""

    name: str
    """The symbol of the unit in formulas: `h1` or `h2`."""
    weights: list[float]
    """The weights of the two inputs."""
    bias: float
    """The bias, added to the weighted inputs."""
    line: Line | None = None
    """The line where its weighted sum is 0."""
    gate: TruthTableName
    """Name of the truth table of the unit: 1 where its weighted sum is at least 0."""


class XorOutputUnit(Reply):
    """The output unit as a line in the hidden space."""

    weights: list[float]
    """The weights of the two hidden units."""
    bias: float
    """The bias, added to the weighted inputs."""
    line: Line | None = None
    """The line where its weighted sum is 0, in the hidden space."""
    gate: TruthTableName
    """Name of the truth table of the network: 1 where the weighted sum is at least 0."""


class XorPoint(Reply):
    """The forward pass of one row of the truth table."""

    inputs: list[float]
    """The two inputs, 0 or 1."""
    target: int
    """The target: 1 if the inputs differ, else 0."""
    hidden_sums: list[Quantity]
    """The weighted sum of each hidden unit."""
    hidden: list[Quantity]
    """The outputs of the hidden units: the point in the hidden space."""
    output_sum: Quantity
    """The weighted sum of the output unit."""
    output: Quantity
    """The output: 0 or 1 for a step, a probability for a sigmoid."""
    prediction: int
    """The prediction: 1 if the output's weighted sum is at least 0, else 0."""
    is_correct: bool
    """Whether the prediction equals the target."""


class XorRun(Reply):
    """The result of one training run."""

    seed: Int64
    """Random seed of the initial weights."""
    loss: float
    """Binary cross-entropy after training; a constant prediction of 0.5 has 0.693."""
    solved: bool
    """Whether all four predictions are correct."""


class XorGrid(Reply):
    """The output of the network on a grid of inputs."""

    x_values: list[float]
    """Values of the first input, from -0.5 to 1.5."""
    y_values: list[float]
    """Values of the second input, from -0.5 to 1.5."""
    outputs: list[list[float]]
    """The outputs: a row for each of `y_values`, a column for each of `x_values`."""


class XorSimulation(Reply):
    """A network that computes XOR with two hidden units."""

    activation: ActivationName
    """Activation of the hidden units."""
    output_activation: ActivationName
    """Activation of the output unit: `step` or `sigmoid`."""
    hidden_units: list[XorHiddenUnit]
    """The two hidden units, as lines in the input plane."""
    output_unit: XorOutputUnit
    """The output unit, as a line in the hidden space."""
    points: list[XorPoint]
    """The points 00, 01, 10 and 11, in this order."""
    solved: bool
    """Whether all four predictions are correct."""
    hidden_separation: Separation | None = None
    """The separating line with the widest margin in the hidden space; null if no line separates the
    points there."""
    grid: XorGrid
    """The output on a grid around the four points."""
    runs: list[XorRun]
    """The training runs in the order of their seeds; empty without `train`."""
    shown_seed: Int64 | None = None
    """Random seed of the network that is shown; null without `train`."""
    verdict: str
    """Which truth tables the hidden units compute, and whether they solve XOR, in a sentence."""
