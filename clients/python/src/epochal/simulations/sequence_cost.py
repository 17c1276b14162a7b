"""Section 9 of the journey: what it costs to read a sequence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .explorer import Explorer


@dataclass(frozen=True)
class SequenceCostRow:
    """One length."""

    length: int
    compute: float
    """Multiplications and additions of the way forward."""
    memory: float
    """Numbers that are kept for the way back."""
    sequential_steps: float
    """Steps of which each has to wait for the one before."""
    longest_path: float
    """Layers, or steps, between the first place and the last one."""


@dataclass(frozen=True)
class SequenceCost:
    """One kind of layer."""

    kind: str
    name: str
    compute_formula: str
    memory_formula: str
    steps_formula: str
    path_formula: str
    parameters: float
    parameters_formula: str
    note: str
    rows: tuple[SequenceCostRow, ...]


@dataclass(frozen=True)
class SequenceCostSimulation:
    """All kinds side by side, n for the length and d for the width."""

    kinds: tuple[SequenceCost, ...]
    crossover: float
    """The length from which on attention's compute is more than that of an LSTM."""
    source: str
    verdict: str


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
