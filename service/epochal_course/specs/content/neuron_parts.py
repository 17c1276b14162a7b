"""Comparison of a nerve cell and an artificial neuron."""

from __future__ import annotations

from epochal_service.specs.base import Reply


class NeuronPart(Reply):
    """A part of a nerve cell and its counterpart in an artificial neuron."""

    id: str
    """Id of the part, e.g. `synapse`."""
    part: str
    """Name of the part of the nerve cell, e.g. `Dendrites`."""
    role: str
    """Function in the nerve cell."""
    counterpart: str
    """Name of the counterpart in the artificial neuron, e.g. `Inputs`."""
    counterpart_role: str
    """Function of the counterpart in the artificial neuron."""
    symbol: str
    """Symbol of the counterpart in the formula y = f(Σ wᵢ·xᵢ + b)."""
    difference: str
    """Difference between the two."""


class NeuronParts(Reply):
    """All parts, in the order in which a signal passes through them."""

    parts: list[NeuronPart]
    """Parts, from the dendrites on."""
    formula: str
    """Formula of the whole artificial neuron."""
    sources: list[str]
    """Sources: authors, year, title."""
