"""Section 7 of the journey: a backward pass, with every slope on its way."""

from __future__ import annotations

from dataclasses import dataclass

from ..records import Floats
from .quantity import Quantity


@dataclass(frozen=True)
class UnitGradient:
    """One number that a layer gives, and what the loss has against it."""

    gradient: Quantity | None
    """∂L/∂a, of the output; None where loss and activation are differentiated together."""
    slope: Quantity | None
    """f'(z), of the activation; None where there is no activation of single numbers."""
    delta: Quantity | None
    """δ = ∂L/∂z, before the activation; None for a layer without one."""


@dataclass(frozen=True)
class ParameterGradient:
    """One array that is learnt."""

    name: str
    """`weight`, `bias`, `scale` or `shift`."""
    gradient: tuple[Floats, ...]
    """`weight`: a row for each input, a column for each unit; others are one row."""
    slopes: tuple[Quantity, ...]
    """Each number of the gradient, row by row: how it comes about."""
    norm: Quantity
    update: Quantity
    """The step of gradient descent for the number with the largest slope."""
    after: tuple[Floats, ...]
    """All numbers after that step."""


@dataclass(frozen=True)
class BackwardLayer:
    """One layer of the way back."""

    name: str
    type: str
    formula: str
    """What the layer does to the gradient."""
    units: tuple[UnitGradient, ...]
    parameters: tuple[ParameterGradient, ...]
    input_gradients: tuple[Floats, ...]
    """∂L/∂x, an array for each that the layer takes."""


@dataclass(frozen=True)
class GradientCheck:
    """Every slope beside a difference, for which nothing but the loss is needed."""

    parameters: int
    step: float
    largest_difference: float
    """Relative to the larger of slope and difference."""
    parameter: str
    """Where, e.g. `dense_1.weight[0][2]`."""
    slope: float
    difference: float
    agrees: bool


@dataclass(frozen=True)
class BackwardSimulation:
    """The way back from the loss to every weight."""

    prediction: Floats
    target: Floats
    """As the loss takes it: a class as a row of 0 and 1."""
    loss: Quantity
    layers: tuple[BackwardLayer, ...]
    """From the last layer back to the first."""
    norm: Quantity
    """The length of the whole gradient."""
    loss_after: Quantity
    """The loss after the step of gradient descent."""
    check: GradientCheck | None
    """None unless asked for."""
    verdict: str
