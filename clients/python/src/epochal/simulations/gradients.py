"""Section 7 of the journey: what becomes of gradients on their way back."""

from __future__ import annotations

from dataclasses import dataclass

from ..records import Floats
from .activation import FlowLabel
from .quantity import Quantity


@dataclass(frozen=True)
class GradientFlowLayer:
    name: str
    norm: float
    """‖∂L/∂W‖, the median over the seeds."""
    share: float
    """The norm over that of the last hidden layer."""
    norms: Floats
    """Of each seed."""


@dataclass(frozen=True)
class Remedy:
    """One change, with all else as it was asked for."""

    name: str
    description: str
    is_on: bool
    """Whether the network that was asked for has it."""
    ratio_off: float
    label_off: FlowLabel
    ratio_on: float
    label_on: FlowLabel
    norms_on: Floats
    """‖∂L/∂W‖ of each layer with it, medians over the seeds."""


@dataclass(frozen=True)
class GradientFlowSimulation:
    """How the gradient changes from layer to layer."""

    layers: tuple[GradientFlowLayer, ...]
    """From the first hidden layer to the output."""
    ratio: Quantity
    """The norm of the first hidden layer over that of the last one: the median over the seeds."""
    ratios: Floats
    """Of each seed."""
    label: FlowLabel
    vanishing_below: float
    exploding_above: float
    loss: float
    """Binary cross-entropy before any training, the median over the seeds."""
    remedies: tuple[Remedy, ...]
    verdict: str


@dataclass(frozen=True)
class VanishingBarsSimulation:
    """The bars of one draw of a small network, and how many draws give the same."""

    recipe: tuple[str, ...]
    """All that is needed to compute the bars anew."""
    norms: Floats
    """‖∂L/∂W‖ from the output layer back to the first one."""
    bars: tuple[Quantity, ...]
    """Each norm over that of the output layer, in the same order."""
    rounded: Floats
    target: Floats
    matches: bool
    """Whether this draw rounds to the target."""
    tried: int
    matching: int
    """How many of the draws that were tried round to exactly the target."""
    matching_seeds: tuple[int, ...]
    typical: Floats
    """The median of each bar over all draws that were tried."""
    verdict: str
