"""Section 5 of the journey: the forward pass."""

from __future__ import annotations

from dataclasses import dataclass

from ..records import Floats
from .quantity import Quantity


@dataclass(frozen=True)
class UnitTrace:
    """One number that a layer gives, and how it comes about."""

    products: Floats
    """Of a dense layer: each input times its weight."""
    weighted_sum: Quantity | None
    output: Quantity


@dataclass(frozen=True)
class LayerTrace:
    """One layer of the way."""

    name: str
    type: str
    formula: str
    inputs: tuple[Floats, ...]
    """An array for each one that it takes: of a residual its input and what its layers made."""
    statistics: tuple[Quantity, ...]
    """What all units share: mean and variance of a `layer_norm`, the sum of a softmax."""
    units: tuple[UnitTrace, ...]
    output: Floats
    output_shape: tuple[int, ...]
    flops: Quantity


@dataclass(frozen=True)
class ForwardSimulation:
    """What a network makes of an input, layer by layer."""

    layers: tuple[LayerTrace, ...]
    output: Floats
    output_shape: tuple[int, ...]
    parameters: int
    flops: Quantity
    verdict: str
