"""The activations that a layer may have: what they are, and what is known of them."""

from __future__ import annotations

from ..base import ActivationName, InitializerName, Reply


class ActivationDescription(Reply):
    """One activation."""

    activation: ActivationName
    """Its name, as a layer takes it."""
    formula: str
    """f(x), e.g. `x / (1 + |x|)`."""
    derivative_formula: str
    """f'(x), e.g. `1 - tanh(x)²`."""
    range: str
    """The values that it can take, as an interval."""
    is_elementwise: bool
    """Whether it works on each number alone; softmax does not."""
    idea: str
    """What it does, in a sentence."""
    history: str
    """How it came into use, in a sentence or two."""
    year: int | None = None
    """When the source appeared."""
    source: str | None = None
    """Who brought it into neural networks, and where; null for doing nothing."""
    used_in: str
    """Where it is found today."""
    trouble: str
    """What it is known for to go wrong."""
    initializer: InitializerName
    """What a dense layer with it starts from by default."""
    gain: float | None = None
    """The factor on a weight's deviation of 1/√fan_in that keeps the mean square of a signal from
    layer to layer: 1/√E[f(z)²] for a standard normal z, computed. Null for softmax."""
    value_at_zero: float | None = None
    """f(0). Null for softmax, which needs more than one number."""
    derivative_at_zero: float | None = None
    """Null for softmax, as the value is."""


class Activations(Reply):
    """All of them, from the plainest on."""

    activations: list[ActivationDescription]
    """One for each that a layer may have."""
