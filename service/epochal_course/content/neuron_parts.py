"""A nerve cell and the artificial neuron, part by part, and how they differ."""

from __future__ import annotations

from functools import cache

from ..loading import load
from ..specs.content.neuron_parts import NeuronParts


@cache
def neuron_parts() -> NeuronParts:
    """Return all parts in the order in which a signal passes through them; learning is last."""
    return load("neuron_parts", NeuronParts)
