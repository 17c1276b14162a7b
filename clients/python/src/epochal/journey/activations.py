"""What is known of each activation."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ActivationDescription:
    """One activation."""

    activation: str
    formula: str
    derivative_formula: str
    range: str
    """The values that it can take, as an interval."""
    is_elementwise: bool
    """Whether it works on each number alone; softmax does not."""
    idea: str
    """What it does, in a sentence."""
    history: str
    year: int | None
    """Of the source."""
    source: str | None
    """Who brought it into neural networks, and where; None for doing nothing."""
    used_in: str
    trouble: str
    """What it is known for to go wrong."""
    initializer: str
    """What a dense layer with it starts from by default."""
    gain: float | None
    """The factor on a weight's deviation of 1/√fan_in that keeps the mean square of a signal
    from layer to layer: 1/√E[f(z)²] for a standard normal z, computed. None for softmax.
    """
    value_at_zero: float | None
    derivative_at_zero: float | None
    """None for softmax, as the value is."""


@dataclass(frozen=True)
class Activations:
    """All of them, from the plainest on."""

    activations: tuple[ActivationDescription, ...]
