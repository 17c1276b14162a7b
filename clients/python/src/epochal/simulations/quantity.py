"""A number that explains itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Quantity:
    """A value, the formula that it comes from, and the formula with the numbers put in."""

    name: str
    value: float
    formula: str
    substituted: str

    def __str__(self) -> str:
        return self.substituted

    def __float__(self) -> float:
        return self.value
