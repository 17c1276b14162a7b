"""Replies of the diagnosis method."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from epochal_engine import FindingKind, LabelName, TrialMetric

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


class Trial(Reply):
    """Two short runs of the same seed on the same samples, without and with a change."""

    epochs: int
    """Number of epochs of each run."""
    metric: TrialMetric
    """The loss that is compared, in the unit of the job, also if the change concerns the loss."""
    without_remedy: float | None = None
    """Loss without the change, a mean over the last tenth of the epochs; absent if the run
    diverged.
    """
    with_remedy: float
    """Loss with the change."""


class Finding(Reply):
    """One problem, and the change that helped most in a trial."""

    kind: FindingKind
    """Kind of the problem, a stable word."""
    layer: str | None = None
    """Layer that shows the problem; absent if it concerns the whole run."""
    message: str
    """Observation with its numbers."""
    suggestion: str | None = None
    """Change to make; absent if no change was found that lowers the loss. Says so if the loss is
    still no better than the loss of a constant.
    """
    patch: dict[str, Any] | None = None
    """Change as a JSON merge patch (RFC 7396) of the job's spec; absent without a suggestion."""
    trial: Trial | None = None
    """Trial of the change; absent without a suggestion."""


class Diagnosis(Reply):
    """The problems of a run, their location, and suggested changes."""

    epoch: int
    """Number of epochs that were analyzed."""
    label: Label | None = None
    """Learning-rate label of the training curve; absent before the second epoch."""
    findings: list[Finding] = Field(default_factory=list)
    """Findings, causes before their effects; empty for a healthy run."""
    patch: dict[str, Any] | None = None
    """All changes that help together, as one JSON merge patch (RFC 7396) of the job's spec; absent
    if fewer than two do.
    """
    trial: Trial | None = None
    """Trial of `patch`; absent without it."""
    skipped_trials: int = 0
    """Number of changes that were not tried: all of them while the job is active, else those beyond
    the budget of about 2 seconds. The next request tries them.
    """
