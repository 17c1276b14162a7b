"""What the cell and its model have in common, part by part."""

from __future__ import annotations

from ..base import Reply


class NeuronPart(Reply):
    """A part of a nerve cell, and what stands for it in an artificial neuron."""

    id: str
    """A short name for programs, e.g. `synapse`."""
    part: str
    """Its name in the nerve cell, e.g. `Dendrites`."""
    role: str
    """What it does in the nerve cell."""
    counterpart: str
    """Its name in the artificial neuron, e.g. `Inputs`."""
    counterpart_role: str
    """What the counterpart does in the model."""
    symbol: str
    """The counterpart in the formula y = f(Σ wᵢ·xᵢ + b)."""
    difference: str
    """Where the likeness ends."""


class NeuronParts(Reply):
    """In the order in which a signal passes through them."""

    parts: list[NeuronPart]
    """From the dendrites on."""
    formula: str
    """The artificial neuron as a whole."""
    sources: list[str]
    """Where this can be read up: author, year, title."""
