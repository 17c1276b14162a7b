"""Section 2 of the journey: XOR by a hidden layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..records import Floats
from ..specs import Spec
from .explorer import Explorer
from .line import Line
from .perceptron import Separation
from .quantity import Quantity


@dataclass(frozen=True, eq=False)
class XorHiddenUnit:
    """A hidden unit: a line in the plane of inputs, and what lies on its far side."""

    name: str
    weights: Floats
    bias: float
    line: Line | None
    """Where its weighted sum is 0."""
    gate: str
    """The truth table of a weighted sum of at least 0."""


@dataclass(frozen=True, eq=False)
class XorOutputUnit:
    """The output: a line in the plane of the hidden units' outputs."""

    weights: Floats
    bias: float
    line: Line | None
    gate: str
    """What the whole network does, read as 1 where the weighted sum is at least 0."""


@dataclass(frozen=True, eq=False)
class XorPoint:
    """A row of the truth table on its way through the network."""

    inputs: Floats
    target: int
    hidden_sums: tuple[Quantity, ...]
    hidden: tuple[Quantity, ...]
    """Where the point lies in the plane of the hidden units' outputs."""
    output_sum: Quantity
    output: Quantity
    answer: int
    """1 if the output's weighted sum is at least 0."""
    is_right: bool


@dataclass(frozen=True)
class XorStart:
    """How one of the trained networks ended."""

    seed: int
    loss: float
    """Binary cross-entropy; a guess has 0.693."""
    solved: bool


@dataclass(frozen=True, eq=False)
class XorGrid:
    """The output over a square of inputs."""

    x_values: Floats
    y_values: Floats
    outputs: Floats
    """One row for each of `y_values`, one column for each of `x_values`."""


@dataclass(frozen=True)
class XorSimulation:
    """How two lines and a third do what one cannot."""

    activation: str
    output_activation: str
    hidden_units: tuple[XorHiddenUnit, ...]
    output_unit: XorOutputUnit
    points: tuple[XorPoint, ...]
    solved: bool
    """Whether all four answers are right."""
    hidden_separation: Separation | None
    """The widest way to part the four points where the hidden layer puts them; None if no line
    can, as none can where they come from.
    """
    grid: XorGrid
    starts: tuple[XorStart, ...]
    """Of training, in the order of the seeds; else none."""
    shown_seed: int | None
    """The seed of the network that is shown, if it was trained."""
    verdict: str


class XorExplorer(Explorer):
    """Part of `client.simulate`."""

    def xor(
        self,
        *,
        hidden: Sequence[Spec] | None = None,
        output: Spec | None = None,
        train: bool | None = None,
        activation: str | None = None,
        seed: int | None = None,
        starts: int | None = None,
        epochs: int | None = None,
        learning_rate: float | None = None,
        resolution: int | None = None,
    ) -> XorSimulation:
        """The four points of XOR through two hidden units, and the space that these make of them.

        The units are made by hand, or given as `hidden=[{"weights": [1, 1], "bias": -0.5}, …]` and
        `output`, or looked for with `train`: from `starts` seeds (1 to 32), in `epochs` steps of
        Adam at the `learning_rate`; starts times epochs may be 16,000. `resolution` (2 to 51) is
        the side of the map.

        >>> answer = client.simulate.xor()
        >>> [unit.gate for unit in answer.hidden_units], answer.solved
        (['or', 'nand'], True)
        """
        return self._ask(
            "SimulateXor",
            XorSimulation,
            hidden=hidden,
            output=output,
            train=train,
            activation=activation,
            seed=seed,
            starts=starts,
            epochs=epochs,
            learning_rate=learning_rate,
            resolution=resolution,
        )
