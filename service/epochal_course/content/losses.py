"""The losses: for regression, binary classification and multi-class classification."""

from __future__ import annotations

from ..explorers import losses as explained
from ..specs.content.losses import Losses


def losses() -> Losses:
    """Return each loss with its formulas, its use, its known problem and its source."""
    return Losses(losses=explained.losses())
