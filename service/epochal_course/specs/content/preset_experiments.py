"""Preset experiments: experiments with claims that hold for any seeds."""

from __future__ import annotations

from typing import Any

from pydantic import Field, field_serializer

from epochal_service.specs.base import REQUEST, Reply
from epochal_service.specs.experiments import ExperimentSpec


class FirstCurves(Reply):
    """Curves that tell what an experiment shows."""

    metrics: list[str]
    """Metrics, one chart each."""
    jobs: list[str]
    """Names of the jobs that are compared."""


class PresetExperiment(Reply):
    """An experiment with claims that hold. Send `spec` to `POST /v1/experiments`."""

    name: str
    """Name for `GET /course/v1/preset-experiments/{id}`, e.g. `xor-1969`."""
    title: str
    """Title for display."""
    description: str
    """Explanation of the experiment in one to three sentences."""
    section: str
    """Id of the section of the journey that it belongs to."""
    year: int
    """Year of the milestone."""
    spec: ExperimentSpec = Field(json_schema_extra={REQUEST: "ExperimentSpec"})
    """Request body for `POST /v1/experiments`, without defaults."""
    expected_seconds: float
    """Approximate duration on one core, in seconds."""
    first_curves: FirstCurves | None = None
    """Curves to show first. Defaults to all jobs' curves of the metric of the first claim."""

    @field_serializer("spec")
    def _as_written(self, spec: ExperimentSpec) -> dict[str, Any]:
        return spec.model_dump(exclude_unset=True)


class PresetExperiments(Reply):
    """All preset experiments, by year."""

    experiments: list[PresetExperiment]
    """Preset experiments, by year."""
