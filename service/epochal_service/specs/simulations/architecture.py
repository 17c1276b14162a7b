"""What a network amounts to, without a single weight of it being made."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from epochal_engine import OPTIMIZERS

from ..base import Reply, Spec, one_of
from ..networks import NetworkSpec
from .quantity import Quantity

_optimizer, _optimizer_schema = one_of(OPTIMIZERS)
OptimizerName = Annotated[str, _optimizer, _optimizer_schema]

Precision = Literal["float32", "float16"]


class SimulateArchitectureRequest(Spec):
    """Any network of at most 256 layers; it need not be small enough to be trained here."""

    network: NetworkSpec
    batch_size: int = Field(default=32, ge=1, le=1_000_000)
    """Samples that are in memory at once."""
    optimizer: OptimizerName = "adam"


class ArchitectureLayer(Reply):
    """One layer, and its part of the whole."""

    name: str
    type: str
    output_shape: list[int]
    """Of one sample."""
    activation: str | None
    initializer: str | None
    parameters: int
    arithmetic: str
    """How the parameters are counted, e.g. `4·3 + 4`."""
    flops: int
    """Multiplications and additions of weights for one sample."""
    flops_arithmetic: str
    """E.g. `2·4·3`; of a convolution `2·150·784`, its weights at each place of its output."""
    parameter_share: float
    flops_share: float
    values: int
    """Numbers that it gives for one sample."""
    weight_bytes: int
    """In float32."""


class LayerCount(Reply):
    """One way of counting layers and neurons."""

    convention: Literal["with_input", "without_input"]
    layers: int
    """Those with weights, and the input if it counts."""
    neurons: Quantity


class ArchitectureMemory(Reply):
    """Memory of a training step, in bytes, in one precision for all numbers."""

    precision: Precision
    weights: Quantity
    gradients: Quantity
    optimizer_state: Quantity
    activations: Quantity
    """The input and what each layer gives, kept for the way back."""
    training: Quantity
    """All of these."""


class OptimizerMemory(Reply):
    """What an optimizer carries from step to step."""

    optimizer: str
    copies: int
    """Numbers for each parameter."""
    bytes: int
    """In float32."""


class ModelComparison(Reply):
    """The network beside a famous one."""

    id: str
    name: str
    year: int
    parameters: int
    known: Literal["computed", "published", "estimated"]
    ratio: Quantity
    """Its parameters over those of this network."""
    float16_bytes: int
    """Of its weights."""
    source: str
    verdict: str


class ArchitectureSimulation(Reply):
    """Shapes, parameters, operations and memory of a network."""

    layers: list[ArchitectureLayer]
    parameters: Quantity
    flops: Quantity
    """Of the way forward of one sample."""
    training_flops: Quantity
    """Of a step with one batch: the way back costs about twice the way forward."""
    counts: list[LayerCount]
    """With and without the input as a layer of neurons; both are in use."""
    memory: list[ArchitectureMemory]
    optimizers: list[OptimizerMemory]
    comparisons: list[ModelComparison]
    verdict: str
