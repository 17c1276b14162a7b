"""Section 3 of the journey: activations, and chains of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ..records import Floats
from .explorer import Explorer
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


class ActivationExplorer(Explorer):
    """Part of `client.simulate`."""

    def activation(
        self,
        activations: str | Sequence[str],
        *,
        x: float | None = None,
        minimum: float | None = None,
        maximum: float | None = None,
        points: int | None = None,
        saturation_below: float | None = None,
    ) -> ActivationSimulation:
        """Value, slope, curve and saturation of one or several activations, but for `"softmax"`.

        Value and slope are explained at `x`; the curve has `points` places (2 to 1,001) from
        `minimum` to `maximum`. Where |f'| is less than `saturation_below` (0 to 1) it counts as
        saturated.

        >>> client.simulate.activation("sigmoid").activations[0].largest_slope
        0.25
        """
        return self._ask(
            "SimulateActivation",
            ActivationSimulation,
            activations=[activations] if isinstance(activations, str) else activations,
            x=x,
            minimum=minimum,
            maximum=maximum,
            points=points,
            saturation_below=saturation_below,
        )

    def activation_chain(
        self,
        activation: str,
        *,
        depth: int | None = None,
        weight: float | None = None,
        bias: float | None = None,
        x: float | None = None,
    ) -> ActivationChainSimulation:
        """A signal and its gradient on their way through layers of one neuron each.

        Each of `depth` layers (1 to 100) is a ← f(weight·a + bias), and `x` goes into the first;
        all three are from -100 to 100. `"softmax"` is no such f.

        >>> client.simulate.activation_chain("sigmoid", depth=10).label
        'vanishing'
        """
        return self._ask(
            "SimulateActivationChain",
            ActivationChainSimulation,
            activation=activation,
            depth=depth,
            weight=weight,
            bias=bias,
            x=x,
        )
