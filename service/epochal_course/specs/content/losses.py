"""Descriptions of the losses."""

from __future__ import annotations

from epochal_service.specs.base import ActivationName, LossName, Reply


class LossDescription(Reply):
    """A loss: its formulas and a description."""

    loss: LossName
    """Name of the loss in a training spec, e.g. `binary_cross_entropy`."""
    title: str
    """Title, e.g. `Mean squared error`."""
    formula: str
    """Formula, with the prediction ŷ and the target y."""
    derivative_formula: str
    """Formula of the derivative dL/dŷ for one output."""
    logit_derivative_formula: str | None
    """Formula of the derivative dL/dz for the logit z. Null if there is no such formula."""
    output_activation: ActivationName | None
    """Required output activation. Null if any is allowed."""
    options: list[str]
    """Names of the options in `loss_options`."""
    used_for: str
    """Kind of targets that the loss is made for."""
    drawbacks: str
    """Known problem of the loss."""
    source: str
    """First publication: authors, year, title."""


class Losses(Reply):
    """All losses, for regression and for classification."""

    losses: list[LossDescription]
    """One description per loss."""
