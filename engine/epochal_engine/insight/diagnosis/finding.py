"""The result of a diagnosis: findings, the trials of their remedies, and a patch for all of
them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

FindingKind: TypeAlias = Literal[
    "leakage",
    "class_imbalance",
    "label_noise",
    "output_activation",
    "wrong_loss",
    "unscaled_inputs",
    "shifted_inputs",
    "constant_inputs",
    "tiny_inputs",
    "unscaled_targets",
    "strong_augmentation",
    "symmetric_weights",
    "large_initial_weights",
    "small_initial_weights",
    "batch_norm_small_batches",
    "large_batches",
    "tight_clipping",
    "vanishing_gradients",
    "exploding_gradients",
    "loss_spikes",
    "learning_rate_too_high",
    "saturated_units",
    "dead_units",
    "plateau",
    "learning_rate_too_low",
    "underfitting",
    "overfitting",
    "worse_than_constant",
]
"""All kinds, causes before their effects."""

TrialMetric: TypeAlias = Literal[
    "validation_loss", "train_loss", "balanced_validation_loss", "balanced_train_loss"
]

Patch: TypeAlias = dict[str, Any]
"""A JSON merge patch (RFC 7396) of a spec."""
Spec: TypeAlias = dict[str, Any]
"""The spec of a job as JSON, with its network written out."""


@dataclass(frozen=True)
class Trial:
    """Two short runs of the same seed, without and with a remedy."""

    epochs: int
    metric: TrialMetric
    """The loss that was compared, in the unit of the job, also if the remedy changes the loss."""
    without_remedy: float | None
    """Loss of the short run of the job's spec; None if it diverged."""
    with_remedy: float
    """Loss of the short run of the changed spec."""


@dataclass(frozen=True)
class Finding:
    """One problem of a run."""

    kind: FindingKind
    layer: str | None
    """The layer that shows the problem; None if it concerns the whole run."""
    message: str
    """The observation with its numbers, a sentence."""
    suggestion: str | None = None
    """The remedy, a sentence; None if no remedy was found that lowers the loss."""
    patch: Patch | None = None
    """The remedy as a merge patch of the job's spec; None without one."""
    trial: Trial | None = None
    """The trial of the remedy; None without a remedy."""


@dataclass(frozen=True)
class Findings:
    """All problems of a run."""

    findings: tuple[Finding, ...] = ()
    """Causes before their effects; empty for a healthy run."""
    patch: Patch | None = None
    """The remedies that help together; None if fewer than two do."""
    trial: Trial | None = None
    """The trial of `patch`; None without it."""
    skipped_trials: int = 0
    """Remedies that were not tried because the budget was used up."""
