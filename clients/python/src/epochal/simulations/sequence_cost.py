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
        kernel: int | None = None,
        window: int | None = None,
        heads: int | None = None,
    ) -> SequenceCostSimulation:
        """Compute how the cost of reading a sequence grows with its length, for six layer types.

        There are up to 32 `lengths`. Layers have `width` inputs and outputs; `kernel` is the size
        of the convolution, `window` that of the dense layer, and `heads` are those of attention.

        >>> client.simulate.sequence_cost(width=64).crossover
        128.0
        """
        return self._simulate(
            "SimulateSequenceCost",
            SequenceCostSimulation,
            lengths=lengths,
            width=width,
            kernel=kernel,
            window=window,
            heads=heads,
        )
