"""Famous networks, smallest first."""

from __future__ import annotations

from ..simulate import models as famous
from ..specs.journey.models import Models


def models() -> Models:
    """From LeNet-5 to what is guessed of today's, each with how its number comes about."""
    return Models(models=list(famous.models()))
