"""The losses: for regression, binary classification and multi-class classification."""

from __future__ import annotations

from functools import cache

from epochal_engine import LOSSES
from epochal_service.specs.base import LossName

from ..explorers.losses import EXPLAINED, Explained
from ..loading import Entry, load
from ..specs.content.losses import LossDescription, Losses


class LossText(Entry):
    """The part of a description that does not follow from the formulas."""

    title: str
    used_for: str
    drawbacks: str
    source: str


@cache
def losses() -> Losses:
    """Return each loss with its formulas, its use, its known problem and its source."""
    texts = load("losses", dict[LossName, LossText])
    return Losses(losses=[_describe(name, EXPLAINED[name], text) for name, text in texts.items()])


def _describe(name: LossName, explained: Explained, text: LossText) -> LossDescription:
    return LossDescription(
        loss=name,
        formula=LOSSES[name].formula,
        derivative_formula=explained.derivative_formula,
        logit_derivative_formula=explained.logit_derivative_formula,
        output_activation=LOSSES[name].output_activation,
        options=list(explained.options),
        **text.model_dump(),
    )
