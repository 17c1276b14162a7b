"""Request and reply of the architecture explorer."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from epochal_service.specs.base import (
    ActivationName,
    InitializerName,
    Int64,
    LayerTypeName,
    OptimizerName,
    Reply,
    Spec,
)
from epochal_service.specs.networks import NetworkSpec

from .quantity import Quantity

Precision = Literal["float32", "float16"]


class SimulateArchitectureRequest(Spec):
    """A network of at most 256 layers. It may be too large to train here."""

    network: NetworkSpec
    """The network to count."""
    batch_size: int = Field(default=32, ge=1, le=1_000_000)
    """Batch size of a training step. Default 32."""
    optimizer: OptimizerName = "adam"
    """The optimizer of a training step. Default `adam`."""


class ArchitectureLayer(Reply):
    """The size of one layer."""

    name: str
    """The name of the layer: as given, or its type and number, e.g. `dense_1`."""
    type: LayerTypeName
    """The layer type, e.g. `dense` or `conv2d`."""
    output_shape: list[int]
    """The shape of the output, without the batch axis."""
    activation: ActivationName | None
    """The activation; null for a layer without one."""
    initializer: InitializerName | None
    """The initializer of the weights; null for a layer without weights."""
    parameters: Int64
    """Number of parameters."""
    parameters_formula: str
    """Formula of the number of parameters, e.g. `4·3 + 4`."""
    flops: Int64
    """Multiplications and additions of the forward pass of one sample."""
    flops_formula: str
    """Formula of the operations, e.g. `2·4·3`; for a convolution `2·150·784`, weights times output
    positions."""
    parameter_fraction: float
    """Fraction of the network's parameters. In [0, 1]."""
    flops_fraction: float
    """Fraction of the network's operations. In [0, 1]."""
    output_size: Int64
    """Size of the output for one sample."""
    weight_bytes: Int64
    """Memory of the parameters in float32, in bytes."""


class LayerCount(Reply):
    """One convention of counting layers and neurons."""

    convention: Literal["with_input", "without_input"]
    """The convention: whether the input counts as a layer."""
    layers: int
    """Number of layers with weights, plus the input if it counts."""
    neurons: Quantity
    """Number of outputs of the layers with weights, plus the inputs if they count."""


class ArchitectureMemory(Reply):
    """Memory of a training step in bytes, with all numbers in one precision."""

    precision: Precision
    """The precision: `float32` has four bytes per number, `float16` two."""
    weights: Quantity
    """Memory of the parameters."""
    gradients: Quantity
    """Memory of the gradients, one number per parameter."""
    optimizer_state: Quantity
    """Memory of the optimizer state, e.g. two numbers per parameter for Adam."""
    activations: Quantity
    """Memory of the inputs and layer outputs that the backward pass needs."""
    total: Quantity
    """Memory of a training step in all."""


class OptimizerMemory(Reply):
    """The memory of one optimizer's state."""

    optimizer: OptimizerName
    """The name of the optimizer, e.g. `adam`."""
    numbers_per_parameter: int
    """Numbers stored per parameter."""
    bytes: Int64
    """Memory for this network in float32, in bytes."""


class ModelComparison(Reply):
    """A comparison of the network with a famous model."""

    id: str
    """The id of the model in `GET /course/v1/models`."""
    name: str
    """The name of the model, e.g. `GPT-2`."""
    year: int
    """Year of publication."""
    parameters: Int64
    """Number of parameters of the model."""
    source_type: Literal["computed", "published", "estimated"]
    """Source of the number of parameters: `computed` from layers or size, `published` by its
    authors, or `estimated` by others."""
    ratio: Quantity
    """Parameters of the model over parameters of this network."""
    float16_bytes: Int64
    """Memory of the model's weights in float16, in bytes."""
    source: str
    """Source of the model: author, year, title."""
    verdict: str
    """Comparison of the numbers of parameters, and the memory of the model, in a sentence."""


class ArchitectureSimulation(Reply):
    """Shapes, parameters, operations and memory of a network."""

    layers: list[ArchitectureLayer]
    """The layers in forward order; a residual includes its inner layers."""
    parameters: Quantity
    """Number of parameters of all layers."""
    flops: Quantity
    """Multiplications and additions of the forward pass of one sample."""
    training_flops: Quantity
    """Multiplications and additions of a training step. The backward pass costs about twice the
    forward pass."""
    counts: list[LayerCount]
    """Layers and neurons by both common conventions: with and without the input."""
    memory: list[ArchitectureMemory]
    """Memory of a training step with `batch_size` samples, in each precision."""
    optimizers: list[OptimizerMemory]
    """The memory of each optimizer's state for this network."""
    comparisons: list[ModelComparison]
    """Comparisons with the models of `GET /course/v1/models`, smallest first."""
    verdict: str
    """Number of parameters, the largest layer, and the operations of one sample, in a sentence."""
