"""Activations, as they may be asked for: their curves, and what a chain of them does."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ..base import ActivationName, Reply, Spec
from .neuron import Value
from .quantity import Quantity

FlowLabel = Literal["vanishing", "healthy", "exploding"]
"""What becomes of a gradient on its way back."""


class SimulateActivationRequest(Spec):
    """One or several activations, at one place and over a range."""

    activations: list[ActivationName] = Field(min_length=1, max_length=14)
    """All but `softmax`, which weighs numbers against each other and has no curve."""
    x: Value = 0.5
    """Where value and slope are explained."""
    minimum: Value = -6.0
    """Where the range begins."""
    maximum: Value = 6.0
    """Where the range ends; greater than `minimum`."""
    points: int = Field(default=121, ge=2, le=1001)
    """Places of the curves, at equal distances from `minimum` to `maximum`."""
    saturation_below: float = Field(default=0.05, gt=0.0, le=1.0)
    """An activation counts as saturated where its slope is smaller than this, whatever its sign."""


class Zone(Reply):
    """A stretch of the range."""

    start: float
    """The smallest x in it."""
    end: float
    """The largest x in it."""


class ActivationCurve(Reply):
    """What one activation does."""

    activation: ActivationName
    """Which one this is about."""
    formula: str
    """f(x), e.g. `x / (1 + |x|)`."""
    derivative_formula: str
    """f'(x), e.g. `1 - tanh(x)²`."""
    range: str
    """The values that it can take, as an interval."""
    value: Quantity
    """f(x) at the place asked for."""
    derivative: Quantity
    """f'(x) at the place asked for: what share of a gradient it lets through."""
    values: list[float]
    """f at each of the reply's `x_values`."""
    derivatives: list[float]
    """f' at each of the reply's `x_values`."""
    largest_slope: float
    """The largest |f'| over the range."""
    largest_slope_at: Zone
    """Where it is: start and end are one place for a peak."""
    saturation: list[Zone]
    """Where |f'| is below the threshold, from left to right."""
    saturated_share: float
    """The share of the range that these make up, from 0 to 1."""
    value_at_zero: float
    """f(0), whether 0 is in the range or not."""
    derivative_at_zero: float
    """f'(0), whether 0 is in the range or not; `convention` says where it had to be chosen."""
    convention: str | None = None
    """What is done about a slope at 0 that mathematics leaves open."""


class ActivationSimulation(Reply):
    """Activations beside each other."""

    x_values: list[float]
    """The places of all curves, `points` of them from `minimum` to `maximum`."""
    activations: list[ActivationCurve]
    """In the order asked for."""
    verdict: str
    """Which of them lets most of a gradient through at x, in a sentence."""


class SimulateActivationChainRequest(Spec):
    """A signal goes through `depth` layers of one neuron each: a ← f(weight·a + bias)."""

    activation: ActivationName
    """Any but `softmax`."""
    depth: int = Field(default=10, ge=1, le=100)
    """Layers that the signal goes through."""
    weight: Annotated[float, Field(ge=-100.0, le=100.0)] = 1.0
    """What each layer multiplies its input by; the same in all layers."""
    bias: Annotated[float, Field(ge=-100.0, le=100.0)] = 0.0
    """What each layer adds before its activation; the same in all layers."""
    x: Annotated[float, Field(ge=-100.0, le=100.0)] = 0.5
    """The signal that goes in."""


class ChainLink(Reply):
    """One layer of the chain."""

    layer: int
    """Counted from 1."""
    weighted_sum: Quantity
    """What the activation is applied to: z = weight·a + bias."""
    signal: Quantity
    """What the layer hands on."""
    factor: Quantity
    """By how much a small change of what comes in is enlarged: weight·f'(z)."""
    forward_gradient: Quantity
    """By how much a small change of x arrives here: the product of all factors up to this."""
    backward_gradient: float
    """How much of a gradient of 1 at the output arrives before this layer: the product of all
    factors from this one on."""


class ActivationChainSimulation(Reply):
    """What happens to a signal on the way forward, and to a gradient on the way back."""

    links: list[ChainLink]
    """From the first layer to the last."""
    output: float
    """What the last layer hands on."""
    gradient: float
    """Of the output along x: the product of all factors."""
    factor_per_layer: float
    """The geometric mean of the factors' sizes; 0 if one of them is 0."""
    label: FlowLabel
    """`vanishing` if the gradient's size is below `vanishing_below`, `exploding` if it is above
    `exploding_above`, `healthy` between them."""
    vanishing_below: float
    """A gradient smaller than this counts as vanished: 0.01."""
    exploding_above: float
    """A gradient larger than this counts as exploded: 100."""
    verdict: str
    """What becomes of a gradient on its way through the chain, in a sentence."""
