"""Replies of the diagnosis method."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from epochal_engine import FindingKind, LabelName

from .base import Reply


class Label(Reply):
    """A label of the learning rate, derived from the training loss, with the numbers behind it."""

    name: LabelName
    """Name of the label."""
    final_loss_ratio: float
    """Median loss of the last quarter of the epochs divided by the initial loss. That is the loss
    before the first step, or of the first epoch if the former is not known, or is lower by no more
    than the noise of dropout.
    """
    late_decrease_fraction: float
    """Fraction of the total decrease that happened in the second half. Where the best constant has
    a lower loss than the start, the decrease below it.
    """
    increase_decrease_ratio: float
    """Sum of all increases divided by the sum of all decreases."""
    loss_range_ratio: float
    """Highest minus lowest loss, divided by the initial loss."""
    constant_loss_ratio: float
    """Median loss of the last quarter of the epochs divided by the loss of the best constant; NaN
    if that is not known.
    """
    missing_decrease_fraction: float
    """Fraction of the decrease of the sweep's best member that this one lacks; NaN outside a sweep.
    """


class Finding(Reply):
    """One problem, with one suggested change."""

    kind: FindingKind
    """Kind of the problem, a stable word."""
    layer: str | None = None
    """Layer that shows the problem; absent if it concerns the whole run."""
    message: str
    """Observation with its numbers."""
    evidence: dict[str, float]
    """Numbers that the finding is based on."""
    suggestion: str
    """Change to try next."""
    patch: dict[str, Any]
    """Change as a JSON merge patch (RFC 7396) of the job's spec."""


class Diagnosis(Reply):
    """The problems of a run, their location, and suggested changes."""

    epoch: int
    """Number of epochs that were analyzed."""
    label: Label | None = None
    """Learning-rate label of the training curve; absent before the second epoch."""
    findings: list[Finding] = Field(default_factory=list)
    """Findings, causes before their effects; empty for a healthy run."""
