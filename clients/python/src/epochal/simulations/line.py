"""A straight line in a plane."""

from __future__ import annotations

from dataclasses import dataclass

from ..records import Floats


@dataclass(frozen=True, eq=False)
class Line:
    """Where weight₁·x₁ + weight₂·x₂ + bias is 0."""

    equation: str
    """E.g. `2·x1 + 1·x2 - 3 = 0`."""
    start: Floats
    """Where it enters a box somewhat larger than the points, and where it leaves it; both are
    empty for a line that passes the box by.
    """
    end: Floats
