"""Presets: training specs with their expected results."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_serializer

from epochal_service.specs.base import REQUEST, Reply
from epochal_service.specs.jobs import JobState
from epochal_service.specs.training import TrainingSpec

Metric = Literal["train_loss", "validation_loss", "train_accuracy", "validation_accuracy"]


class Expectation(Reply):
    """Expected range of a metric in the last epoch, for any seed of the job and of the data."""

    metric: Metric
    """Name of the metric."""
    minimum: float | None = None
    """Least expected value; absent if smaller values are as expected."""
    maximum: float | None = None
    """Largest expected value; absent if larger values are as expected."""


class Preset(Reply):
    """A training spec with its expected result. Send `spec` to `POST /v1/jobs`."""

    name: str
    """Name for `GET /course/v1/presets/{id}`, e.g. `xor`."""
    title: str
    """Title for display."""
    description: str
    """Purpose of the preset, in one to three sentences."""
    section: str
    """Id of the section that the preset belongs to."""
    spec: TrainingSpec = Field(json_schema_extra={REQUEST: "TrainingSpec"})
    """Request body for `POST /v1/jobs`, without defaults."""
    expected_state: JobState
    """State in which the job ends. `failed` for a preset that shows divergence."""
    expected: list[Expectation]
    """Expected metrics of the last epoch. Empty for a preset that diverges."""
    expected_seconds: float
    """Approximate duration on one core, in seconds."""

    @field_serializer("spec")
    def _as_written(self, spec: TrainingSpec) -> dict[str, Any]:
        # Leave defaults out, so that a user can replace the optimizer without removing the options
        # of the first one.
        return spec.model_dump(exclude_unset=True)


class Presets(Reply):
    """All presets, in the order of the journey."""

    presets: list[Preset]
    """Presets, in the order of the journey."""
