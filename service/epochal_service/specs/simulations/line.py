"""A straight line in a plane."""

from __future__ import annotations

from ..base import Reply


class Line(Reply):
    """Where weight₁·x₁ + weight₂·x₂ + bias is 0."""

    equation: str
    """E.g. `2·x1 + 1·x2 - 3 = 0`."""
    start: list[float]
    """Where it enters a box somewhat larger than the points, as two coordinates; empty for a line
    that passes the box by."""
    end: list[float]
    """Where it leaves the box; empty for a line that passes it by."""
