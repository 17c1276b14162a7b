"""Helpers that build presets."""

from __future__ import annotations

from typing import Any

from epochal_service.specs.training import TrainingSpec

from ..specs.content.presets import Expectation, Metric, Preset

JsonObject = dict[str, Any]


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


def at_least(metric: Metric, minimum: float) -> Expectation:
    """Expect the last epoch's metric to be at least `minimum`."""
    return Expectation(metric=metric, minimum=minimum)


def at_most(metric: Metric, maximum: float) -> Expectation:
    """Expect the last epoch's metric to be at most `maximum`."""
    return Expectation(metric=metric, maximum=maximum)


def between(minimum: float, metric: Metric, maximum: float) -> Expectation:
    """Expect the last epoch's metric from `minimum` to `maximum`."""
    return Expectation(metric=metric, minimum=minimum, maximum=maximum)


def make_preset(
    name: str,
    section: str,
    title: str,
    description: str,
    spec: JsonObject,
    *expected: Expectation,
    seconds: float,
    state: str = "succeeded",
) -> Preset:
    """Return a preset that takes about `seconds` and ends as expected with any seed."""
    return Preset.model_validate(
        {
            "name": name,
            "section": section,
            "title": title,
            "description": description,
            "spec": TrainingSpec.model_validate({"name": title, "seed": 7, **spec}),
            "expected_state": state,
            "expected": expected,
            "expected_seconds": seconds,
        }
    )
