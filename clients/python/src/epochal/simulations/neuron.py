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
        """What one neuron makes of its inputs, by the step of 1958 and by the sigmoid.

        As many `weights` as `inputs`, 1 to 64 of them.

        >>> answer = client.simulate.neuron([1, 0.5, 0.8], [0.7, -0.3, 0.5], bias=-0.2)
        >>> answer.fires, round(answer.sigmoid.value, 3)
        (True, 0.679)
        """
        return self._ask(
            "SimulateNeuron", NeuronSimulation, inputs=inputs, weights=weights, bias=bias
        )
