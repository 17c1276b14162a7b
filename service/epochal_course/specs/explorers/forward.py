"""Request and reply of the forward pass explorer."""

from __future__ import annotations

from epochal_service.specs.base import Int64, LayerTypeName, Reply

from .quantity import Quantity
from .small_network import SmallNetworkSpec


class SimulateForwardRequest(SmallNetworkSpec):
    """A small network and one input."""


class UnitTrace(Reply):
    """One number of a layer's output, with its arithmetic."""

    products: list[float]
    """`dense`: each input times its weight."""
    weighted_sum: Quantity | None
    """`dense`: the sum of the products and the bias."""
    output: Quantity
    """The output, e.g. the activation of the weighted sum."""


class LayerTrace(Reply):
    """One layer of the forward pass."""

    name: str
    """The name of the layer, e.g. `dense_1`, or `residual_2.dense_1` within a residual."""
    type: LayerTypeName
    """The layer type, e.g. `dense` or `residual`."""
    formula: str
    """The formula of the layer, e.g. `z = x·W + b, a = relu(z)`."""
    inputs: list[list[float]]
    """The input arrays. A `residual` has two: its input, and the output of its inner layers."""
    statistics: list[Quantity]
    """Numbers that all units share: mean and variance of a `layer_norm`, the sum of a softmax."""
    units: list[UnitTrace]
    """One entry per number of the output; empty for a layer that only rearranges its input."""
    output: list[float]
    """The output in row-major order."""
    output_shape: list[int]
    """The shape of the output, without the batch axis."""
    flops: Quantity
    """Multiplications and additions of weights. Biases and activations are not counted."""


class ForwardSimulation(Reply):
    """A forward pass, layer by layer."""

    layers: list[LayerTrace]
    """The layers in forward order; the inner layers of a residual precede it."""
    output: list[float]
    """The output of the last layer in row-major order."""
    output_shape: list[int]
    """The shape of the output, without the batch axis, e.g. `[2]`."""
    parameters: Int64
    """Number of parameters: weights, biases, scales and shifts."""
    flops: Quantity
    """Multiplications and additions of the whole pass."""
    verdict: str
    """The prediction in a sentence."""
