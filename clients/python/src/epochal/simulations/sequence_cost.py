"""Section 9 of the journey: what it costs to read a sequence."""

from __future__ import annotations

from dataclasses import dataclass


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
