"""Section 3 of the journey: activations, and chains of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..records import Floats
from .quantity import Quantity

FlowLabel = Literal["vanishing", "healthy", "exploding"]
"""What becomes of a gradient on its way back."""


@dataclass(frozen=True)
class Zone:
    """A stretch of the range."""

    start: float
    end: float


@dataclass(frozen=True, eq=False)
class ActivationCurve:
    """What one activation does."""

    activation: str
    formula: str
    derivative_formula: str
    range: str
    """The values that it can take, as an interval."""
    value: Quantity
    """f(x) at the place asked for."""
    derivative: Quantity
    """f'(x) there."""
    values: Floats
    """f at each of `x_values`."""
    derivatives: Floats
    """f' at each of `x_values`."""
    largest_slope: float
    """The largest |f'| over the range."""
    largest_slope_at: Zone
    """Where it is: start and end are one place for a peak."""
    saturation: tuple[Zone, ...]
    """Where |f'| is below the threshold, from left to right."""
    saturated_share: float
    """The share of the range that these make up."""
    value_at_zero: float
    derivative_at_zero: float
    convention: str | None
    """What is done about a slope at 0 that mathematics leaves open."""


@dataclass(frozen=True, eq=False)
class ActivationSimulation:
    """Activations beside each other."""

    x_values: Floats
    activations: tuple[ActivationCurve, ...]
    """In the order asked for."""
    verdict: str
    """Which of them lets most of a gradient through at x, in a sentence."""


@dataclass(frozen=True)
class ChainLink:
    """One layer of the chain."""

    layer: int
    """Counted from 1."""
    weighted_sum: Quantity
    signal: Quantity
    """What the layer hands on."""
    factor: Quantity
    """By how much a small change of what comes in is enlarged: weight·f'(z)."""
    forward_gradient: Quantity
    """By how much a small change of x arrives here: the product of all factors up to this."""
    backward_gradient: float
    """How much of a gradient of 1 at the output arrives before this layer: the product of all
    factors from this one on.
    """


@dataclass(frozen=True)
class ActivationChainSimulation:
    """What happens to a signal on the way forward, and to a gradient on the way back."""

    links: tuple[ChainLink, ...]
    output: float
    gradient: float
    """Of the output along x: the product of all factors."""
    factor_per_layer: float
    """The geometric mean of the factors' sizes; 0 if one of them is 0."""
    label: FlowLabel
    """`vanishing` if the gradient's size is below `vanishing_below`, `exploding` if it is above
    `exploding_above`, `healthy` between them.
    """
    vanishing_below: float
    exploding_above: float
    verdict: str
