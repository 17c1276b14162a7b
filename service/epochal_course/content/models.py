"""Famous networks, smallest first."""

from __future__ import annotations

from ..explorers import models as famous
from ..specs.content.models import Models


def models() -> Models:
    """Return the models from LeNet-5 on, each with the arithmetic of its parameter count."""
    return Models(models=famous.models())
