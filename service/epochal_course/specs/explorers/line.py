"""A straight line in a plane."""

from __future__ import annotations

from epochal_service.specs.base import Reply


class Line(Reply):
    """The line on which weight₁·x₁ + weight₂·x₂ + bias is 0."""

    equation: str
    """The equation of the line, e.g. `2·x1 + 1·x2 - 3 = 0`."""
    start: list[float]
    """Point where the line enters a box around the points, as two coordinates; empty if the line
    does not cross the box."""
    end: list[float]
    """Point where the line leaves the box; empty if the line does not cross the box."""
