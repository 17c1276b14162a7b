"""Section 3 of the journey: activations, and chains of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from ..types import ActivationChainSimulation, ActivationSimulation
from .explorer import Explorer

FlowLabel = Literal["vanishing", "healthy", "exploding"]
"""What becomes of a gradient on its way back."""


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
