"""Request and reply of the perceptron explorer."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from epochal_service.specs.base import Reply, Spec, exactly_one

from .line import Line
from .neuron import Value
from .quantity import Quantity

TruthTableName = Literal[
    "false",
    "and",
    "x1_and_not_x2",
    "x1",
    "x2_and_not_x1",
    "x2",
    "xor",
    "or",
    "nor",
    "xnor",
    "not_x2",
    "x2_implies_x1",
    "not_x1",
    "x1_implies_x2",
    "nand",
    "true",
]
Bit = Annotated[int, Field(ge=0, le=1)]
Coordinates = Annotated[list[Value], Field(min_length=1, max_length=8)]


class SimulatePerceptronRequest(Spec):
    """A task for a perceptron: `table`, or `targets` with `points`. `targets` without `points`
    belong to the four rows 00, 01, 10, 11.
    """

    model_config = ConfigDict(json_schema_extra=exactly_one("table", "targets"))

    table: TruthTableName | None = None
    """The name of a truth table of two inputs."""
    targets: Annotated[list[Bit], Field(min_length=1, max_length=64)] | None = None
    """The target of each point, 0 or 1; without `points`, of 00, 01, 10, 11."""
    points: Annotated[list[Coordinates], Field(min_length=1, max_length=64)] | None = None
    """The points: 1 to 8 coordinates each, all of equal length. Each coordinate is 0 or at least
    1e-9 in size."""
    learning_rate: Annotated[float, Field(gt=0.0, le=1000.0)] = 1.0
    """The learning rate. With zero initial weights it scales all weights and changes no output.
    Default 1."""
    epochs: int = Field(default=20, ge=1, le=500)
    """Maximum number of epochs; training stops after the first epoch without an error. Epochs times
    points is at most 1,000. Default 20."""
    order: Annotated[list[int], Field(min_length=1, max_length=64)] | None = None
    """Order of the points within an epoch, as indices from 0. Defaults to the given order."""
    weights: Coordinates | None = None
    """Initial weights. Default 0."""
    bias: Value = 0.0
    """Initial bias. Default 0."""


class PerceptronStep(Reply):
    """One point: the output for it, and the update if the output is wrong."""

    epoch: int
    """Number of the epoch, from 1."""
    sample: int
    """Index of the point, from 0."""
    weighted_sum: Quantity
    """The weighted sum before the update."""
    output: int
    """The output: 1 if the weighted sum is at least 0, else 0."""
    target: int
    """The target, 0 or 1."""
    error: int
    """The error, target minus output: 1, 0 or -1."""
    weights_before: list[float]
    """The weights before the update."""
    bias_before: float
    """The bias before the update."""
    weights: list[float]
    """The weights after the update; unchanged if the output is correct."""
    bias: float
    """The bias after the update; unchanged if the output is correct."""
    updates: list[Quantity]
    """The update of each weight and then of the bias; empty if the output is correct."""


class PerceptronEpoch(Reply):
    """One pass over all points."""

    epoch: int
    """Number of the epoch, from 1."""
    errors: int
    """Number of wrong outputs, each followed by an update."""
    weights: list[float]
    """The weights after the epoch."""
    bias: float
    """The bias after the epoch."""
    line: Line | None = None
    """The decision boundary, for two inputs; null if both weights are 0."""


class Separation(Reply):
    """The separating hyperplane with the widest margin."""

    weights: list[float]
    """Unit normal vector, so that a weighted sum is a signed distance. Zeros if all targets are
    equal."""
    bias: float
    """The bias: weighted sums are 0 on the hyperplane and positive on the side of target 1. It is 1
    or -1 if all targets are equal."""
    margin: float | None = None
    """Distance from the hyperplane to the nearest points; null if all targets are equal."""
    support_vectors: list[int]
    """Indices of the points that determine the hyperplane."""
    line: Line | None = None
    """The hyperplane as a line, for two inputs."""


class ConvexCoefficient(Reply):
    """The coefficient of one point in a convex combination of points."""

    sample: int
    """Index of the point, from 0."""
    coefficient: float
    """The coefficient. In (0, 1]."""
    fraction: str | None = None
    """The exact coefficient, e.g. `1/2`; null if the fraction is very long."""


class Certificate(Reply):
    """A proof that the points are not linearly separable: a convex combination of the points with
    target 1 that equals a convex combination of the points with target 0.
    """

    ones: list[ConvexCoefficient]
    """Coefficients of the points with target 1: positive numbers with sum 1."""
    zeros: list[ConvexCoefficient]
    """Coefficients of the points with target 0: positive numbers with sum 1."""
    meeting_point: list[float]
    """The point that equals both combinations."""
    residual: float
    """Largest difference between the two combinations in float64 arithmetic. In exact arithmetic it
    is 0."""
    statement: str
    """The equation of the two combinations."""
    explanation: str
    """Why the equation is a proof."""


class PerceptronSimulation(Reply):
    """The course of perceptron learning, and whether the points are linearly separable."""

    table: TruthTableName | None = None
    """Name of the truth table, if the task is one."""
    points: list[list[float]]
    """The points: a row of inputs each."""
    targets: list[int]
    """The target of each point, 0 or 1."""
    rule: str
    """The learning rule (Rosenblatt, 1958)."""
    tie_rule: str
    """The convention for a weighted sum of exactly 0."""
    steps: list[PerceptronStep]
    """The steps of all epochs in order, one per point."""
    epochs: list[PerceptronEpoch]
    """The epochs, up to the first one without an error or the limit."""
    converged: bool
    """Whether the last epoch had no error."""
    weights: list[float]
    """The weights after the last epoch."""
    bias: float
    """The bias after the last epoch."""
    separable: bool
    """Whether the points are linearly separable, decided exactly and without learning."""
    separation: Separation | None = None
    """The hyperplane with the widest margin; null if the points are not separable."""
    certificate: Certificate | None = None
    """The proof that the points are not separable; null if they are."""
    verdict: str
    """Whether learning converged, and whether it can, in a sentence."""
