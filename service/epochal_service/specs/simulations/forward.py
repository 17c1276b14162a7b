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
    """What comes out, e.g. the activation of the weighted sum."""


class LayerTrace(Reply):
    """One layer of the way."""

    name: str
    """Its place, e.g. `dense_1`; within a residual `residual_2.dense_1`."""
    type: str
    """E.g. `dense` or `residual`."""
    formula: str
    """What the layer does, e.g. `z = x·W + b, a = relu(z)`."""
    inputs: list[list[float]]
    """A list for each array that it takes: of a `residual` its input and what its layers made."""
    statistics: list[Quantity]
    """What all units share: mean and variance of a `layer_norm`, the sum of a softmax."""
    units: list[UnitTrace]
    """One for each number of the output; none where a layer only passes numbers on."""
    output: list[float]
    """All its numbers in a row, the last axis fastest."""
    output_shape: list[int]
    """The shape in which the next layer sees them."""
    flops: Quantity
    """Multiplications and additions of weights; biases and activations are not counted."""


class ForwardSimulation(Reply):
    """What the network makes of the input, layer by layer."""

    layers: list[LayerTrace]
    """In forward order; the layers within a residual come before it."""
    output: list[float]
    """Of the last layer, all numbers in a row, the last axis fastest."""
    output_shape: list[int]
    """Its axes without that of the samples, e.g. `[2]` for two numbers."""
    parameters: int
    """Weights, biases, scales and shifts of the whole network."""
    flops: Quantity
    """Of the whole pass."""
    verdict: str
    """What the output says, in a sentence."""
