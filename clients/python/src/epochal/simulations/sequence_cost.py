"""Section 9 of the journey: the cost of reading a sequence."""

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
        kernel_size: int | None = None,
        window: int | None = None,
        heads: int | None = None,
    ) -> SequenceCostSimulation:
        """Compute how the cost of reading a sequence grows with its length, for six layer types.

        There are up to 32 `lengths`. Layers have `width` inputs and outputs; `kernel_size`
        belongs to the convolution, `window` to the dense layer, and `heads` to attention.

        >>> client.simulate.sequence_cost(width=64).crossover_length
        128.0
        """
        return self._simulate(
            "SimulateSequenceCost",
            SequenceCostSimulation,
            lengths=lengths,
            width=width,
            kernel_size=kernel_size,
            window=window,
            heads=heads,
        )
