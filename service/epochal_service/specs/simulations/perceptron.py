"""Rosenblatt's rule on a few points, as it may be asked for."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ..base import Reply, Spec
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
    """What to learn is a truth table by its name, or `targets`: of `points`, or, without these, of
    the four rows of a truth table.
    """

    table: TruthTableName | None = None
    """One of the 16 truth tables of two inputs."""
    targets: Annotated[list[Bit], Field(min_length=1, max_length=64)] | None = None
    """0 or 1 for each point; without `points`, for 00, 01, 10, 11."""
    points: Annotated[list[Coordinates], Field(min_length=1, max_length=64)] | None = None
    """All of one length, the number of inputs. A number that is not 0 is at least 1e-9 in size."""
    learning_rate: Annotated[float, Field(gt=0.0, le=1000.0)] = 1.0
    """How far an update goes. From zeros it changes the size of all weights, and no answer."""
    epochs: int = Field(default=20, ge=1, le=500)
    """At most so many; it ends with the first epoch without an error. Epochs times points may be
    1,000 at most."""
    order: Annotated[list[int], Field(min_length=1, max_length=64)] | None = None
    """In which order an epoch meets the points, counted from 0; as they are given, if left out."""
    weights: Coordinates | None = None
    """Those to begin with; zeros if left out."""
    bias: Value = 0.0
    """The one to begin with."""


class PerceptronStep(Reply):
    """One point met: an answer, and, where it is wrong, an update."""

    epoch: int
    """Counted from 1."""
    sample: int
    """The place of the point, counted from 0."""
    weighted_sum: Quantity
    """Of the point, by the weights before."""
    output: int
    """The answer: 1 if the weighted sum is at least 0, else 0."""
    target: int
    """What would be right: 0 or 1."""
    error: int
    """Target minus output: 1, 0 or -1."""
    weights_before: list[float]
    """With which the answer was given, one for each input."""
    bias_before: float
    """With which the answer was given."""
    weights: list[float]
    """After the update; as before where the answer is right."""
    bias: float
    """After the update; as before where the answer is right."""
    updates: list[Quantity]
    """Of each weight and then of the bias; none where the answer is right."""


class PerceptronEpoch(Reply):
    """One round through all points."""

    epoch: int
    """Counted from 1."""
    errors: int
    """Wrong answers on the way, each followed by an update."""
    weights: list[float]
    """After the epoch, one for each input."""
    bias: float
    """After the epoch."""
    line: Line | None = None
    """Between outputs 0 and 1, for two inputs and unless both weights are 0."""


class Separation(Reply):
    """The widest way to part the points: as far from the nearest of either kind as can be."""

    weights: list[float]
    """Of length 1, so that the weighted sum is the distance from the line."""
    bias: float
    """Together with the weights it makes a weighted sum of 0 on the line, positive on the side of
    target 1. If all points are of one kind the weights are 0, and it is 1 or -1."""
    margin: float | None = None
    """The distance of the nearest points; null if all points are of one kind."""
    nearest: list[int]
    """The points that the line is held by."""
    line: Line | None = None
    """The same as a line to draw, for two inputs."""


class MixtureShare(Reply):
    """How much a point weighs in a mixture of points."""

    sample: int
    """The place of the point, counted from 0."""
    share: float
    """Its part of the whole, from 0 to 1."""
    fraction: str | None = None
    """The share exactly, e.g. `1/2`; null where that would be too long to read."""


class Certificate(Reply):
    """A proof that no line parts the points: a mixture of those with target 1 and a mixture of
    those with target 0 that are the same point.
    """

    ones: list[MixtureShare]
    """Shares of points with target 1; they are positive, and their sum is 1."""
    zeros: list[MixtureShare]
    """Shares of points with target 0; they are positive, and their sum is 1."""
    meeting_point: list[float]
    """The point that both mixtures are."""
    residual: float
    """The largest difference between the two mixtures as computed from the shares in float64. They
    were found equal in whole numbers, without rounding."""
    statement: str
    """The two mixtures with their numbers."""
    explanation: str
    """Why this is a proof."""


class PerceptronSimulation(Reply):
    """The whole course of learning, and what can be known without it."""

    table: TruthTableName | None = None
    """The name of what was to be learnt, if it is a truth table of two inputs."""
    points: list[list[float]]
    """What is learnt from, one row of inputs each."""
    targets: list[int]
    """0 or 1 for each point."""
    rule: str
    """How weights and bias are updated (Rosenblatt, 1958)."""
    tie_rule: str
    """What a weighted sum of exactly 0 does."""
    steps: list[PerceptronStep]
    """Every point met, in order, epoch after epoch."""
    epochs: list[PerceptronEpoch]
    """As many as there were until one had no error, or the limit was reached."""
    converged: bool
    """Whether the last epoch had no error."""
    weights: list[float]
    """After the last epoch."""
    bias: float
    """After the last epoch."""
    separable: bool
    """Whether some line, plane or hyperplane parts the points; decided without learning."""
    separation: Separation | None = None
    """The line with the widest margin, where there is one."""
    certificate: Certificate | None = None
    """The proof that there is no such line, where there is none."""
    verdict: str
    """Whether it was learnt, and whether it can be, in words."""
