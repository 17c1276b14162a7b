"""What each loss is for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LossFacts:
    """One loss."""

    name: str
    title: str
    formula: str
    slope: str
    """dL/dŷ of one output."""
    logit_slope: str | None
    """dL/dz, z before the output activation."""
    output_activation: str | None
    options: tuple[str, ...]
    used_for: str
    trouble: str
    source: str


@dataclass(frozen=True)
class Losses:
    """For numbers, for yes and no, for classes."""

    losses: tuple[LossFacts, ...]
