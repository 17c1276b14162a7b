"""A forward pass, as it may be asked for, and every number on its way."""

from __future__ import annotations

from ..base import Reply
from .quantity import Quantity
from .small_network import SmallNetworkSpec


class SimulateForwardRequest(SmallNetworkSpec):
    """A small network with an input: what it makes of it, number by number."""


class UnitTrace(Reply):
    """One number that a layer gives, and how it comes about."""

    products: list[float]
    """`dense`: each input times its weight."""
    weighted_sum: Quantity | None
    """`dense`: the products and the bias."""
    output: Quantity


class LayerTrace(Reply):
    """One layer of the way."""

    name: str
    """Its place, e.g. `dense_1`; within a residual `residual_2.dense_1`."""
    type: str
    formula: str
    inputs: list[list[float]]
    """A list for each array that it takes: of a `residual` its input and what its layers made."""
    statistics: list[Quantity]
    """What all units share: mean and variance of a `layer_norm`, the sum of a softmax."""
    units: list[UnitTrace]
    """One for each number of the output; none where a layer only passes numbers on."""
    output: list[float]
    output_shape: list[int]
    flops: Quantity
    """Multiplications and additions of weights; biases and activations are not counted."""


class ForwardSimulation(Reply):
    """What the network makes of the input, layer by layer."""

    layers: list[LayerTrace]
    output: list[float]
    output_shape: list[int]
    parameters: int
    flops: Quantity
    """Of the whole pass."""
    verdict: str
    """What the output says, in a sentence."""
