"""Builders of preset experiments."""

from __future__ import annotations

from typing import Any

from epochal_service.specs.experiments import ExperimentSpec

from ...specs.content.preset_experiments import FirstCurves, PresetExperiment
from ..presets import preset as find_preset

JsonObject = dict[str, Any]

SEEDS = [0, 1, 2, 3, 4]
SEQUENCE_TRAINING: JsonObject = {
    "validation_fraction": 0.2,
    "schedule": {"type": "cosine"},
    "clipping": {"norm": 1.0},
}


def dense(*units: int, activation: str = "tanh", output: str, **fields: Any) -> list[JsonObject]:
    """Return dense layers with these numbers of units; the last one is the output layer."""
    *hidden, last = units
    return [
        *({"type": "dense", "units": n, "activation": activation, **fields} for n in hidden),
        {"type": "dense", "units": last, "activation": output},
    ]


def network(inputs: int, layers: list[JsonObject]) -> JsonObject:
    """Return a network that reads rows of `inputs` numbers."""
    return {"input_shape": [inputs], "layers": layers}


def preset_job(preset: str, **changes: Any) -> JsonObject:
    """Return the spec of a preset with other fields, with seed 0 and without its target."""
    spec = find_preset(preset).spec
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
