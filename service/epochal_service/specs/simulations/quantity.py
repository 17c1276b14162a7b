"""A number that explains itself."""

from __future__ import annotations

from ..base import Reply


class Quantity(Reply):
    """A value, the formula that it comes from, and the formula with the numbers put in."""

    name: str
    """Its symbol in the formulas, e.g. `z`."""
    value: float
    """The number itself, in full precision."""
    formula: str
    """E.g. `z = w·x + b`."""
    substituted: str
    """E.g. `z = 0.7·1 + (-0.3)·0.5 + (-0.2) = 0.35`; numbers have four significant digits,
    and more where terms nearly cancel."""
