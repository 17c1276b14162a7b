"""Section 2 of the journey: the single neuron."""

from __future__ import annotations

from dataclasses import dataclass

from .quantity import Quantity


@dataclass(frozen=True)
class NeuronSimulation:
    """What a neuron makes of its inputs."""

    products: tuple[Quantity, ...]
    """Each input times its weight."""
    weighted_sum: Quantity
    step: Quantity
    fires: bool
    sigmoid: Quantity
    derivative: Quantity
    """The slope of the sigmoid at the weighted sum."""
    sensitivities: tuple[Quantity, ...]
    """By how much the sigmoid's output changes for each unit of each weight."""
    verdict: str
