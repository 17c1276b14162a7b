"""Descriptions of the activations that a layer can have."""

from __future__ import annotations

from epochal_service.specs.base import ActivationName, InitializerName, Reply


class ActivationDescription(Reply):
    """An activation: its formulas and a description."""

    activation: ActivationName
    """Name of the activation in a layer spec."""
    formula: str
    """Formula of f(x), e.g. `x / (1 + |x|)`."""
    derivative_formula: str
    """Formula of f'(x), e.g. `1 - tanh(x)²`."""
    range: str
    """Interval of the values of f(x)."""
    is_elementwise: bool
    """True if f acts on each number separately. False for softmax."""
    idea: str
    """Effect of the activation, in one sentence."""
    history: str
    """History of the activation, in one or two sentences."""
    year: int | None = None
    """Year of the source. Null for `linear`."""
    source: str | None = None
    """First publication for neural networks: authors, year, title. Null for `linear`."""
    used_in: str
    """Typical uses today."""
    drawbacks: str
    """Known problem of the activation."""
    initializer: InitializerName
    """Default initializer of a dense layer with this activation."""
    gain: float | None = None
    """Factor on the standard deviation 1/√fan_in of the weights that preserves the mean square of a
    signal from layer to layer: 1/√E[f(z)²] for a standard normal z, computed. Null for softmax."""
    value_at_zero: float | None = None
    """Value f(0). Null for softmax, which needs more than one number."""
    derivative_at_zero: float | None = None
    """Derivative f'(0). Null for softmax."""


class Activations(Reply):
    """All activations, simplest first."""

    activations: list[ActivationDescription]
    """One description per activation."""
