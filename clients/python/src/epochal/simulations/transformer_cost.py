"""Section 5 of the journey: what a transformer's forward pass costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .quantity import Quantity


@dataclass(frozen=True)
class TransformerSize:
    """The few numbers that say how large a transformer is."""

    family: Literal["gpt", "bert", "llama"]
    layers: int
    width: int
    heads: int
    key_value_heads: int | None
    hidden: int | None
    vocabulary: int
    context: int


@dataclass(frozen=True)
class DeviceFacts:
    """The device in the calculation, by its maker's numbers."""

    id: str
    name: str
    peak_flops: float
    bandwidth: float
    memory: float
    source: str


@dataclass(frozen=True)
class TransformerCostSimulation:
    """Operations, memory and time of one pass, with the arithmetic of each."""

    size: TransformerSize | None
    parts: tuple[Quantity, ...]
    parameters: Quantity
    multiplied: Quantity
    weight_flops: Quantity
    attention_flops: Quantity
    flops: Quantity
    flops_per_token: Quantity
    rule_of_thumb: Quantity
    weight_bytes: Quantity
    cache_bytes: Quantity
    device_bytes: Quantity
    fits: bool
    seconds: Quantity
    reading_seconds: Quantity
    claim: Quantity | None
    device: DeviceFacts
    verdict: str
