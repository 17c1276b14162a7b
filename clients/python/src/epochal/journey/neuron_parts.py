"""A nerve cell and its model, part by part."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class NeuronPart:
    """A part of a nerve cell, and what stands for it in an artificial neuron."""

    id: str
    part: str
    """Of the cell."""
    role: str
    """What it does there."""
    counterpart: str
    """Of the artificial neuron."""
    counterpart_role: str
    symbol: str
    """The counterpart in the formula y = f(Σ wᵢ·xᵢ + b)."""
    difference: str
    """Where the likeness ends."""


@dataclass(frozen=True)
class NeuronParts:
    """In the order in which a signal passes through them."""

    parts: tuple[NeuronPart, ...]
    formula: str
    """The artificial neuron as a whole."""
    sources: tuple[str, ...]
