"""What a run's numbers say of its health."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from epochal_engine import FindingKind, LabelName

from .base import Reply


class Label(Reply):
    """What the training loss says of the learning rate, and the numbers that this was read from."""

    name: LabelName
    """What the curve amounts to."""
    level: float
    """The median of the last quarter over the first loss."""
    late: float
    """The share of the whole fall that came in the last half."""
    undone: float
    """All rises over all falls."""
    swing: float
    """The highest loss less the lowest, over the first."""


class Finding(Reply):
    """One ailment, and the one change to try next."""

    kind: FindingKind
    """What it is, as a stable word."""
    layer: str | None = None
    """Where it shows; absent for what concerns the whole run."""
    message: str
    """What was seen, with its numbers."""
    evidence: dict[str, float]
    """The numbers that the finding was read from."""
    suggestion: str
    """What to try next."""
    patch: dict[str, Any]
    """The change as a JSON merge patch (RFC 7396) of the job's spec."""


class Diagnosis(Reply):
    """What went wrong in a run, where it shows, and what to try next."""

    epoch: int
    """Epochs that were looked at."""
    label: Label | None = None
    """Absent until there are two epochs."""
    findings: list[Finding] = Field(default_factory=list)
    """Causes before their effects; empty for a healthy run."""
