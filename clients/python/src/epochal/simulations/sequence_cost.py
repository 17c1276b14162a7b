"""Section 9 of the journey: what it costs to read a sequence."""

from __future__ import annotations

from collections.abc import Sequence

from ..types import SequenceCostSimulation
from .explorer import Explorer


class SequenceCostExplorer(Explorer):
    """Part of `client.simulate`."""

    def sequence_cost(
        self,
        *,
        lengths: Sequence[int] | None = None,
        width: int | None = None,
        kernel: int | None = None,
        window: int | None = None,
        heads: int | None = None,
    ) -> SequenceCostSimulation:
        """How the cost of reading a sequence grows with its length, for six kinds of layer.

        Up to 32 `lengths`, for layers from `width` features to as many, with a `kernel` of so many
        places for the convolution, a `window` of so many for the dense layer, and `heads` for
        attention.

        >>> client.simulate.sequence_cost(width=64).crossover
        128.0
        """
        return self._ask(
            "SimulateSequenceCost",
            SequenceCostSimulation,
            lengths=lengths,
            width=width,
            kernel=kernel,
            window=window,
            heads=heads,
        )
