"""A hypothesis: a problem that the statistics of a run suggest, and the remedies to try for it."""

from __future__ import annotations

from dataclasses import dataclass

from .finding import FindingKind, TrialMetric
from .remedies import Remedy


@dataclass(frozen=True)
class Hypothesis:
    """A possible finding."""

    kind: FindingKind
    message: str
    remedies: tuple[Remedy, ...] = ()
    """Alternatives. The diagnosis offers the remedy with the lowest loss."""
    layer: str | None = None
    is_certain: bool = False
    """Whether it is a finding even if no remedy lowers the loss."""
    metric: TrialMetric | None = None
    """The loss to compare; None for the job's own loss."""
    control: Remedy | None = None
    """A change that leaves the suspected cause as it is. If it helps about as much as the best
    remedy, the cause is another one."""
