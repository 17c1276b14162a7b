"""The rules that end a run before its last epoch or reduce its learning rate."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np

from ..symbolic.trace import Array
from .schedules import Constant, ReduceOnPlateau, Schedule

StopReason: TypeAlias = Literal["completed", "early_stopped", "target_reached", "diverged"]

WatchedMetric: TypeAlias = Literal["train_loss", "validation_loss"]
"""The loss that best epochs and stopping rules watch: the validation loss if there is one."""

METRICS = (
    *("train_loss", "validation_loss", "train_accuracy", "validation_accuracy"),
    *("train_exact_match", "validation_exact_match"),
)
"""The metrics of an epoch, where they are defined."""

IMPROVEMENT = 1e-4
"""Relative decrease of the loss that ends a plateau, as in PyTorch."""
GROWTH = 1_000.0
"""A run diverges when its loss exceeds this factor times the first loss, or times 1."""


@dataclass(frozen=True)
class EarlyStopping:
    """Stop once the loss has not improved for `patience` epochs by more than `min_delta`.

    Watches the validation loss if there is one, else the training loss.
    """

    patience: int
    min_delta: float = 0.0

    def __post_init__(self) -> None:
        if self.patience < 1:
            raise ValueError("patience must be at least 1 epoch")
        if not 0.0 <= self.min_delta < math.inf:
            raise ValueError("min_delta must be a finite number that is not negative")


@dataclass(frozen=True)
class Target:
    """Stop when a loss is at most `value`, or an accuracy or exact match at least."""

    metric: str
    value: float

    def __post_init__(self) -> None:
        if self.metric not in METRICS:
            raise ValueError(f"metric must be one of {', '.join(METRICS)}")

    def is_reached_by(self, value: float) -> bool:
        """Return whether this value of the metric reaches the target."""
        return value <= self.value if self.metric.endswith("loss") else value >= self.value


@dataclass(frozen=True, eq=False)
class Best:
    """The epoch with the lowest watched loss, the first of equals, and its weights by name."""

    epoch: int
    metric: WatchedMetric
    value: float
    weights: dict[str, Array]


@dataclass(frozen=True)
class Progress:
    """The state of the rules after an epoch."""

    first_loss: float | None = None
    best_loss: float | None = None
    epochs_without_progress: int = 0
    stop_reason: StopReason | None = None
    plateau_loss: float | None = None
    plateau_epochs: int = 0
    rate_factor: float = 1.0
    """Factor of the learning rate after the plateaus so far."""


def epochs_at_one_rate(progress: Progress, schedule: Schedule) -> float:
    """For how many epochs no plateau can change the rate, whatever their losses will be."""
    if not isinstance(schedule, ReduceOnPlateau):
        return math.inf
    return schedule.patience + 1 - progress.plateau_epochs


def follow(
    progress: Progress,
    columns: Mapping[str, Array],
    parameters_are_finite: Array,
    early_stopping: EarlyStopping | None,
    target: Target | None,
    schedule: Schedule = Constant(),
) -> list[Progress]:
    """The progress after each epoch in the columns, up to the first with a reason to stop.

    A run has diverged when its parameters or a loss are no longer finite numbers, or when the
    training loss has grown beyond `GROWTH`; that comes before any other reason.
    """
    losses = columns["train_loss"]
    if progress.first_loss is None:
        progress = replace(progress, first_loss=float(losses[0]))
    assert progress.first_loss is not None
    watched = columns.get("validation_loss", losses)
    is_sound = (
        parameters_are_finite
        & np.isfinite(watched)
        & (losses <= GROWTH * max(progress.first_loss, 1.0))
    )
    sound_epochs = len(losses) if is_sound.all() else int(is_sound.argmin())
    diverged = [replace(progress, stop_reason="diverged")] if sound_epochs < len(losses) else []
    waits = isinstance(schedule, ReduceOnPlateau)
    if early_stopping is None and target is None and not waits:
        return [progress] * sound_epochs + diverged
    followed = []
    for epoch in range(sound_epochs):
        if isinstance(schedule, ReduceOnPlateau):
            progress = _reduce(progress, float(watched[epoch]), schedule)
        if early_stopping is not None:
            progress = _watch(progress, float(watched[epoch]), early_stopping)
        if target is not None and target.is_reached_by(float(columns[target.metric][epoch])):
            progress = replace(progress, stop_reason="target_reached")
        followed.append(progress)
        if progress.stop_reason is not None:
            return followed
    return followed + diverged


def _reduce(progress: Progress, loss: float, schedule: ReduceOnPlateau) -> Progress:
    best = progress.plateau_loss
    if best is None or loss < best * (1.0 - IMPROVEMENT):
        return replace(progress, plateau_loss=loss, plateau_epochs=0)
    if progress.plateau_epochs < schedule.patience:
        return replace(progress, plateau_epochs=progress.plateau_epochs + 1)
    return replace(progress, plateau_epochs=0, rate_factor=progress.rate_factor * schedule.factor)


def _watch(progress: Progress, loss: float, rule: EarlyStopping) -> Progress:
    if progress.best_loss is None or loss < progress.best_loss - rule.min_delta:
        return replace(progress, best_loss=loss, epochs_without_progress=0)
    waited = progress.epochs_without_progress + 1
    return replace(
        progress,
        epochs_without_progress=waited,
        stop_reason="early_stopped" if waited >= rule.patience else None,
    )
