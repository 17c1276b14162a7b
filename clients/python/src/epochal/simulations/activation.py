"""Section 3 of the journey: activation functions, and chains of them."""

from __future__ import annotations

from collections.abc import Sequence

from ..types import ActivationChainSimulation, ActivationName, ActivationSimulation
from .explorer import Explorer


class ActivationExplorer(Explorer):
    """Part of `client.simulate`."""

    def activation(
        self,
        activations: ActivationName | Sequence[ActivationName],
        *,
        x: float | None = None,
        minimum: float | None = None,
        maximum: float | None = None,
        points: int | None = None,
        saturation_below: float | None = None,
    ) -> ActivationSimulation:
        """Compute value, derivative, curve and saturation of activations other than "softmax".

        Value and derivative are explained at `x`. The curve has `points` points (2 to 1,001) from
        `minimum` to `maximum`. Inputs with |f'| below `saturation_below` (0 to 1) are saturated.

        >>> client.simulate.activation("sigmoid").activations[0].largest_derivative
        0.25
        """
        return self._simulate(
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
        activation: ActivationName,
        *,
        depth: int | None = None,
        weight: float | None = None,
        bias: float | None = None,
        x: float | None = None,
    ) -> ActivationChainSimulation:
        """Pass a signal forward and its gradient backward through layers of one neuron each.

        Each of `depth` layers (1 to 100) computes a ← f(weight·a + bias), starting from `x`.
        `weight`, `bias` and `x` are from -100 to 100. f is not "softmax".

        >>> client.simulate.activation_chain("sigmoid", depth=10).label
        'vanishing'
        """
        return self._simulate(
            "SimulateActivationChain",
            ActivationChainSimulation,
            activation=activation,
            depth=depth,
            weight=weight,
            bias=bias,
            x=x,
        )
