"""What a network amounts to, without a single weight of it being made."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from epochal_engine import OPTIMIZERS

from ..base import KeyOf, Reply, Spec
from ..networks import NetworkSpec
from .quantity import Quantity

OptimizerName = Annotated[str, KeyOf(OPTIMIZERS)]

Precision = Literal["float32", "float16"]


class SimulateArchitectureRequest(Spec):
    """Any network of at most 256 layers; it need not be small enough to be trained here."""

    network: NetworkSpec
    """The network to count."""
    batch_size: int = Field(default=32, ge=1, le=1_000_000)
    """Samples that are in memory at once."""
    optimizer: OptimizerName = "adam"
    """Whose memory counts towards that of training."""


class ArchitectureLayer(Reply):
    """One layer, and its part of the whole."""

    name: str
    """The name that it was given, or its type and place, e.g. `dense_1`."""
    type: str
    """E.g. `dense` or `conv2d`."""
    output_shape: list[int]
    """Of one sample, without the batch axis."""
    activation: str | None
    """What is applied to its outputs; null for a layer without one."""
    initializer: str | None
    """How its weights would be drawn; null for a layer without any."""
    parameters: int
    """Trainable numbers."""
    arithmetic: str
    """How the parameters are counted, e.g. `4·3 + 4`."""
    flops: int
    """Multiplications and additions of weights for one sample."""
    flops_arithmetic: str
    """E.g. `2·4·3`; of a convolution `2·150·784`, its weights at each place of its output."""
    parameter_share: float
    """Of the network's parameters, from 0 to 1."""
    flops_share: float
    """Of the network's operations, from 0 to 1."""
    values: int
    """Numbers that it gives for one sample."""
    weight_bytes: int
    """Memory of its parameters in float32, in bytes."""


class LayerCount(Reply):
    """One way of counting layers and neurons."""

    convention: Literal["with_input", "without_input"]
    """Whether the input counts as a layer of neurons."""
    layers: int
    """Those with weights, and the input if it counts."""
    neurons: Quantity
    """Numbers that the layers with weights give for one sample, with those of the input if it
    counts."""


class ArchitectureMemory(Reply):
    """Memory of a training step, in bytes, in one precision for all numbers."""

    precision: Precision
    """Four bytes a number in `float32`, two in `float16`."""
    weights: Quantity
    """All parameters, in bytes."""
    gradients: Quantity
    """A slope for each parameter, in bytes."""
    optimizer_state: Quantity
    """What the optimizer remembers of earlier steps, e.g. two numbers a parameter for Adam."""
    activations: Quantity
    """The input and what each layer gives, kept for the way back."""
    training: Quantity
    """All of these together, in bytes."""


class OptimizerMemory(Reply):
    """What an optimizer carries from step to step."""

    optimizer: str
    """Its name, as a job takes it, e.g. `adam`."""
    copies: int
    """Numbers for each parameter."""
    bytes: int
    """Of this network, in float32."""


class ModelComparison(Reply):
    """The network beside a famous one."""

    id: str
    """Of `GET /v1/models`."""
    name: str
    """As it is known, e.g. `GPT-2`."""
    year: int
    """When it was published."""
    parameters: int
    """How many it has."""
    known: Literal["computed", "published", "estimated"]
    """How its parameters are known: `computed` from its layers or its size, `published` by its
    makers, or `estimated` by others."""
    ratio: Quantity
    """Its parameters over those of this network."""
    float16_bytes: int
    """Memory of its weights in float16, two bytes each."""
    source: str
    """Where it comes from: author, year, title."""
    verdict: str
    """Both numbers of parameters beside each other, and the memory that the famous one fills, in a
    sentence."""


class ArchitectureSimulation(Reply):
    """Shapes, parameters, operations and memory of a network."""

    layers: list[ArchitectureLayer]
    """In forward order; a residual counts as one, with all that is within."""
    parameters: Quantity
    """Trainable numbers of all layers."""
    flops: Quantity
    """Of the way forward of one sample."""
    training_flops: Quantity
    """Of a step with one batch: the way back costs about twice the way forward."""
    counts: list[LayerCount]
    """With and without the input as a layer of neurons; both are in use."""
    memory: list[ArchitectureMemory]
    """One for each precision, for a batch of `batch_size`."""
    optimizers: list[OptimizerMemory]
    """Every optimizer there is, for a network of as many parameters."""
    comparisons: list[ModelComparison]
    """Every model of `GET /v1/models`, smallest first."""
    verdict: str
    """How many parameters there are, which layer has most of them, and what one sample costs."""
