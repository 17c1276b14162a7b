"""The losses, and what each is for."""

from __future__ import annotations

from ..base import Reply


class LossFacts(Reply):
    """One loss."""

    name: str
    """As a job takes it, e.g. `binary_cross_entropy`."""
    title: str
    """In words, e.g. `Mean squared error`."""
    formula: str
    """With the prediction ŷ and the target y."""
    slope: str
    """dL/dŷ of one output."""
    logit_slope: str | None
    """dL/dz, where z is what the activation is applied to; none where there is no such form."""
    output_activation: str | None
    """What the network must end in; none for any."""
    options: list[str]
    """Of `loss_options`."""
    used_for: str
    """The kind of targets that it is made for."""
    trouble: str
    """What it is known for to go wrong."""
    source: str
    """Who used it first: author, year, title."""


class Losses(Reply):
    """For numbers, for yes and no, for classes."""

    losses: list[LossFacts]
    """One for each that a job may have."""
