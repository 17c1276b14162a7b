"""Section 1 of the journey: one hidden layer comes near to any curve."""

from __future__ import annotations

from dataclasses import dataclass

from ..records import Floats


@dataclass(frozen=True, eq=False)
class WidthFit:
    """What so many hidden units can do."""

    width: int
    parameters: int
    errors: Floats
    """The mean squared error of each seed's fit."""
    median_error: float
    best_error: float
    curve: Floats
    """The output at each of `curve_inputs`, of the fit in the middle (the lower one of two)."""
    curve_seed: int
    """The seed of that fit."""


@dataclass(frozen=True, eq=False)
class ApproximationSimulation:
    """How the error falls as the hidden layer grows."""

    target: str
    """The name of the target, or `points`."""
    formula: str | None
    """Of a named target."""
    inputs: Floats
    outputs: Floats
    """What is fitted."""
    constant_error: float
    """The error of the best constant: what a network without hidden units reaches at least."""
    curve_inputs: Floats
    widths: tuple[WidthFit, ...]
    """In the order asked for."""
    optimizer: str
    """How the weights were found."""
    steps: int
    work: float
    """Multiplications and additions that this took, about."""
    budget: float
    """How many it might have taken."""
    verdict: str
