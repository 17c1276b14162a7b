"""Section 2 of the journey: the single neuron."""

from __future__ import annotations

from collections.abc import Sequence

from ..types import NeuronSimulation
from .explorer import Explorer


class NeuronExplorer(Explorer):
    """Part of `client.simulate`."""

    def neuron(
        self, inputs: Sequence[float], weights: Sequence[float], *, bias: float | None = None
    ) -> NeuronSimulation:
        """Compute the weighted sum of one neuron, its step output and its sigmoid output.

        `inputs` and `weights` have the same length, 1 to 64.

        >>> reply = client.simulate.neuron([1, 0.5, 0.8], [0.7, -0.3, 0.5], bias=-0.2)
        >>> reply.fires, round(reply.sigmoid.value, 3)
        (True, 0.679)
        """
        return self._simulate(
            "SimulateNeuron", NeuronSimulation, inputs=inputs, weights=weights, bias=bias
        )
