"""Builders of preset experiments."""

from __future__ import annotations

from typing import Any

from epochal_service.specs.experiments import ExperimentSpec

from ...specs.content.preset_experiments import FirstCurves, PresetExperiment
from ..preset_parts import JsonObject
from ..presets import PRESETS

SEEDS = [0, 1, 2, 3, 4]


def preset_job(preset: str, **changes: Any) -> JsonObject:
    """Return the spec of a preset with other fields, with seed 0 and without its target."""
    spec = next(item for item in PRESETS if item.name == preset).spec
    fields = spec.model_dump(exclude_unset=True, exclude={"name", "seed", "target"})
    return {**fields, **changes}


def claim(text: str, job: str, metric: str, minus: str | None = None, **more: Any) -> JsonObject:
    """Return a claim about the metric of a job, or its difference to the metric of another."""
    pair = {} if minus is None else {"minus": minus}
    return {"text": text, "job": job, "metric": metric, **pair, **more}


def experiment(
    name: str,
    title: str,
    description: str,
    jobs: dict[str, JsonObject],
    claims: list[JsonObject],
    *,
    year: int,
    seconds: float,
    section: str = "timeline",
    first_curves: FirstCurves | None = None,
) -> PresetExperiment:
    """Return an experiment of five seeds that takes about `seconds`."""
    spec = ExperimentSpec.model_validate(
        {"name": title, "seeds": SEEDS, "jobs": jobs, "claims": claims}
    )
    return PresetExperiment(
        name=name,
        title=title,
        description=description,
        section=section,
        year=year,
        spec=spec,
        expected_seconds=seconds,
        first_curves=first_curves,
    )
