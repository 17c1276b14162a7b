"""Section 2 of the journey: a neuron that learns from its mistakes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..records import Floats, Ints
from .explorer import Explorer
from .line import Line
from .quantity import Quantity


@dataclass(frozen=True, eq=False)
class PerceptronStep:
    """One point met: an answer, and, where it is wrong, an update."""

    epoch: int
    """Counted from 1."""
    sample: int
    """The place of the point, counted from 0."""
    weighted_sum: Quantity
    output: int
    target: int
    error: int
    """Target minus output: 1, 0 or -1."""
    weights_before: Floats
    bias_before: float
    weights: Floats
    bias: float
    updates: tuple[Quantity, ...]
    """Of each weight and then of the bias; none where the answer is right."""


@dataclass(frozen=True, eq=False)
class PerceptronEpoch:
    """One round through all points."""

    epoch: int
    errors: int
    weights: Floats
    """After it."""
    bias: float
    line: Line | None
    """Between outputs 0 and 1, for two inputs and unless both weights are 0."""


@dataclass(frozen=True, eq=False)
class Separation:
    """The widest way to part the points: as far from the nearest of either kind as can be."""

    weights: Floats
    """Of length 1, so that the weighted sum is the distance from the line."""
    bias: float
    margin: float | None
    """The distance of the nearest points; None if all points are of one kind."""
    nearest: Ints
    """The points that the line is held by."""
    line: Line | None
    """For two inputs."""


@dataclass(frozen=True)
class MixtureShare:
    """How much a point weighs in a mixture of points."""

    sample: int
    share: float
    fraction: str | None
    """The share exactly, e.g. `1/2`; None where that would be too long to read."""


@dataclass(frozen=True, eq=False)
class Certificate:
    """A proof that no line parts the points: a mixture of those with target 1 and a mixture of
    those with target 0 that are the same point.
    """

    ones: tuple[MixtureShare, ...]
    """Shares of points with target 1; they are positive, and their sum is 1."""
    zeros: tuple[MixtureShare, ...]
    """Shares of points with target 0; they are positive, and their sum is 1."""
    meeting_point: Floats
    residual: float
    """The largest difference between the two mixtures as computed from the shares in float64.
    They were found equal in whole numbers, without rounding.
    """
    statement: str
    """The two mixtures with their numbers."""
    explanation: str
    """Why this is a proof."""


@dataclass(frozen=True, eq=False)
class PerceptronSimulation:
    """The whole course of learning, and what can be known without it."""

    table: str | None
    """The name of what was to be learnt, if it is a truth table of two inputs."""
    points: Floats
    targets: Ints
    rule: str
    tie_rule: str
    """What a weighted sum of exactly 0 does."""
    steps: tuple[PerceptronStep, ...]
    epochs: tuple[PerceptronEpoch, ...]
    converged: bool
    """Whether the last epoch had no error."""
    weights: Floats
    bias: float
    separable: bool
    """Whether some line, plane or hyperplane parts the points; decided without learning."""
    separation: Separation | None
    """Where there is one."""
    certificate: Certificate | None
    """Where there is none."""
    verdict: str


class PerceptronExplorer(Explorer):
    """Part of `client.simulate`."""

    def perceptron(
        self,
        table: str | None = None,
        *,
        targets: Sequence[int] | None = None,
        points: ArrayLike | None = None,
        learning_rate: float | None = None,
        epochs: int | None = None,
        order: Sequence[int] | None = None,
        weights: Sequence[float] | None = None,
        bias: float | None = None,
    ) -> PerceptronSimulation:
        """Perceptron learning, update by update, and whether any line could do it, with a proof.

        What to learn is a truth table of two inputs by its name, or `targets` `(n,)` of 0 and 1 for
        your own `points` `(n, d)`, at most 64 of 8 numbers. It starts from `weights` `(d,)` and
        `bias`, zeros unless you say otherwise, meets the points in an `order` (places from 0) and
        ends with the first epoch without an error, or after `epochs`; epochs times points may be
        1,000.

        >>> client.simulate.perceptron("and").weights
        array([2., 1.])
        >>> client.simulate.perceptron("xor").separable
        False
        """
        return self._ask(
            "SimulatePerceptron",
            PerceptronSimulation,
            table=table,
            targets=targets,
            points=None if points is None else np.asarray(points),
            learning_rate=learning_rate,
            epochs=epochs,
            order=order,
            weights=weights,
            bias=bias,
        )
