"""A number with its formula."""

from __future__ import annotations

from epochal_service.specs.base import Reply


class Quantity(Reply):
    """A value, its formula in symbols, and its formula in numbers."""

    name: str
    """The symbol of the value in formulas, e.g. `z`."""
    value: float
    """The value in full precision."""
    formula: str
    """The formula in symbols, e.g. `z = w·x + b`."""
    substituted: str
    """The formula in numbers, e.g. `z = 0.7·1 + (-0.3)·0.5 + (-0.2) = 0.35`. Numbers have four
    significant digits, and more where the shown numbers would not come to the shown value."""
