"""Section 4 of the journey: layers and architecture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..specs import Spec
from .explorer import Explorer
from .quantity import Quantity

Known = Literal["computed", "published", "estimated"]


@dataclass(frozen=True)
class ArchitectureLayer:
    """One layer, and its part of the whole."""

    name: str
    type: str
    output_shape: tuple[int, ...]
    activation: str | None
    initializer: str | None
    parameters: int
    arithmetic: str
    flops: int
    flops_arithmetic: str
    parameter_share: float
    flops_share: float
    values: int
    """Numbers that it gives for one sample."""
    weight_bytes: int
    """In float32."""


@dataclass(frozen=True)
class LayerCount:
    """One way of counting layers and neurons."""

    convention: Literal["with_input", "without_input"]
    layers: int
    neurons: Quantity


@dataclass(frozen=True)
class ArchitectureMemory:
    """Bytes of a training step, in one precision for all numbers."""

    precision: Literal["float32", "float16"]
    weights: Quantity
    gradients: Quantity
    optimizer_state: Quantity
    activations: Quantity
    training: Quantity


@dataclass(frozen=True)
class OptimizerMemory:
    """What an optimizer carries from step to step, in float32."""

    optimizer: str
    copies: int
    bytes: int


@dataclass(frozen=True)
class ModelComparison:
    """The network beside a famous one."""

    id: str
    name: str
    year: int
    parameters: int
    known: Known
    ratio: Quantity
    float16_bytes: int
    source: str
    verdict: str


@dataclass(frozen=True)
class ArchitectureSimulation:
    """Shapes, parameters, operations and memory of a network."""

    layers: tuple[ArchitectureLayer, ...]
    parameters: Quantity
    flops: Quantity
    training_flops: Quantity
    counts: tuple[LayerCount, ...]
    memory: tuple[ArchitectureMemory, ...]
    optimizers: tuple[OptimizerMemory, ...]
    comparisons: tuple[ModelComparison, ...]
    verdict: str


class ArchitectureExplorer(Explorer):
    """Part of `client.simulate`."""

    def architecture(
        self, network: Spec, *, batch_size: int | None = None, optimizer: str | None = None
    ) -> ArchitectureSimulation:
        """What any network amounts to, and how it compares with famous ones; no weights are made.

        It need not be small enough to be trained: `client.journey.models()` has some to try. Memory
        is that of a training step on `batch_size` samples by the `optimizer`.

        >>> answer = client.simulate.architecture(epochal.network([3], [epochal.dense(4)]))
        >>> answer.parameters.substituted
        'parameters = 16 = 16'
        """
        return self._ask(
            "SimulateArchitecture",
            ArchitectureSimulation,
            network=network,
            batch_size=batch_size,
            optimizer=optimizer,
        )
