"""Ready jobs, each with what comes of it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import field_serializer

from ..base import Reply
from ..jobs import JobState
from ..training import TrainingSpec

Metric = Literal["train_loss", "validation_loss", "train_accuracy", "validation_accuracy"]


class Expectation(Reply):
    """A number that the job ends with, whatever its seed."""

    metric: Metric
    """Which column of the last epoch."""
    value: float
    """What it is, give or take `tolerance`."""
    tolerance: float
    """How far from `value` the last epoch's number may lie."""


class Preset(Reply):
    """A ready job: send `spec` to `POST /v1/jobs`."""

    name: str
    """For `GET /v1/presets/{id}`, e.g. `xor`."""
    title: str
    """What to call it in a list."""
    description: str
    """What it shows, in a sentence or two."""
    section: str
    """The section of the journey that it belongs to."""
    spec: TrainingSpec
    """A body for `POST /v1/jobs`, with no more than it needs."""
    expected_state: JobState
    """`failed` where that is the lesson."""
    expected: list[Expectation]
    """What its last epoch comes to; empty for a job that is to diverge."""
    expected_seconds: float
    """On one core of an ordinary machine."""

    @field_serializer("spec")
    def _as_written(self, spec: TrainingSpec) -> dict[str, Any]:
        # Without the defaults: another optimizer may be put in without taking out what only the
        # first one has.
        return spec.model_dump(exclude_unset=True)


class Presets(Reply):
    """All of them, in the order of the journey."""

    presets: list[Preset]
    """Ready to be sent, or to be changed first."""
