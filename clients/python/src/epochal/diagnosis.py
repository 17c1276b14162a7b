"""What a run's numbers say of its health, and what to try next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

LabelName = Literal["too_low", "slow", "good", "oscillating", "diverged"]


@dataclass(frozen=True)
class Label:
    """What the training loss says of the learning rate, and the numbers that say so."""

    name: LabelName
    level: float
    """The median of the last quarter over the first loss."""
    late: float
    """The share of the whole fall that came in the last half."""
    undone: float
    """All rises over all falls."""
    swing: float
    """The highest loss less the lowest, over the first."""


@dataclass(frozen=True)
class Finding:
    """One ailment of a run, and the one change to try next."""

    kind: str
    """Such as `vanishing_gradients` or `overfitting`."""
    layer: str | None
    """Where it shows; None for what concerns the whole run."""
    message: str
    evidence: dict[str, float]
    """The numbers that the finding was read from."""
    suggestion: str
    patch: dict[str, Any]
    """What changes in the job's spec, as a JSON merge patch (RFC 7396)."""

    def applied_to(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        """The spec with the change, to be handed to `jobs.create`."""
        return merged(spec, self.patch)


@dataclass(frozen=True)
class Diagnosis:
    """What went wrong in a run, where it shows, and what to try next."""

    epoch: int
    """Epochs that were looked at."""
    label: Label | None
    """None until there are two epochs."""
    findings: tuple[Finding, ...]
    """Causes before their effects; empty for a healthy run."""


def merged(target: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """A JSON object with a merge patch applied: objects are merged, and None takes a field away."""
    result = dict(target)
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, Mapping):
            before = result.get(name)
            result[name] = merged(before if isinstance(before, Mapping) else {}, value)
        else:
            result[name] = value
    return result
