"""The losses: for numbers, for yes and no, for classes."""

from __future__ import annotations

from ..simulate import losses as explained
from ..specs.journey.losses import Losses


def losses() -> Losses:
    """Each with its formulas, what it is for, its trouble, and where it comes from."""
    return Losses(losses=explained.losses())
