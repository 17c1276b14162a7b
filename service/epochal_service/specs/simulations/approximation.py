"""Curves fitted by one hidden layer of growing width, as they may be asked for."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ..base import ActivationName, Reply, Spec
from .neuron import Value

ApproximationTarget = Literal["sine", "step", "bump"]
Coordinates = Annotated[list[Value], Field(min_length=2, max_length=256)]


class SimulateApproximationRequest(Spec):
    """What to fit is a `target` by its name, or own points: `inputs` and `outputs`.

    Every width is fitted once for each seed, and the whole has a budget of computation: about a
    fifth of a second. What is over it is refused, and the refusal says by how much.
    """

    target: ApproximationTarget | None = None
    """`sine` if nothing is given: one period of sin(x). `step` jumps from 0 to 1, `bump` is a
    bell."""
    samples: int = Field(default=64, ge=8, le=256)
    """Points of a named target, at equal distances."""
    inputs: Coordinates | None = None
    """Own points: where they lie, not all in the same place."""
    outputs: Coordinates | None = None
    """Own points: what to put out there, one number for each of `inputs`."""
    activation: ActivationName = "tanh"
    """Of the hidden units. Any but `softmax` and `step`; `linear` shows what is missing without
    one."""
    widths: list[Annotated[int, Field(ge=1, le=64)]] = Field(
        default=[1, 2, 4, 8, 16, 32], min_length=1, max_length=8
    )
    """Hidden units, one fit for each number."""
    seeds: int = Field(default=5, ge=1, le=20)
    """So many fits of each width, from other first weights; all at once."""
    seed: int = Field(default=0, ge=0, lt=2**53)
    """Of the first of these fits; the others take the numbers that follow."""
    steps: int = Field(default=40, ge=1, le=400)
    """Steps of the optimizer in each fit."""


class WidthFit(Reply):
    """What so many hidden units can do."""

    width: int
    """How many hidden units it has."""
    parameters: int
    """Weights and biases of such a network: 3·width + 1."""
    errors: list[float]
    """The mean squared error of each seed's fit."""
    median_error: float
    """The median of `errors`: what a start of luck neither good nor bad comes to."""
    best_error: float
    """The smallest of `errors`."""
    curve: list[float]
    """The output at each of `curve_inputs`, of the fit in the middle (the lower one of two)."""
    curve_seed: int
    """The seed of that fit."""


class ApproximationSimulation(Reply):
    """How the error falls as the hidden layer grows."""

    target: str
    """The name of the target, or `points`."""
    formula: str | None = None
    """What a named target computes, and from where to where."""
    inputs: list[float]
    """Where the points lie that are fitted."""
    outputs: list[float]
    """What the networks are to put out at `inputs`."""
    constant_error: float
    """The error of the best constant: what a network without hidden units reaches at least."""
    curve_inputs: list[float]
    """Where the fitted curves are drawn: 129 places, equally spaced over the inputs."""
    widths: list[WidthFit]
    """In the order asked for."""
    optimizer: str
    """How the weights were found."""
    steps: int
    """Steps of the optimizer that each fit took."""
    work: float
    """Multiplications and additions that this took, about."""
    budget: float
    """How many it might have taken."""
    verdict: str
    """How the error falls from the narrowest layer to the best one, in words."""
