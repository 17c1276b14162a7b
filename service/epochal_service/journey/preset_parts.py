"""What presets are put together from."""

from __future__ import annotations

from typing import Any

from ..specs.journey.presets import Expectation, Metric, Preset
from ..specs.training import TrainingSpec

Words = dict[str, Any]


def dense(*units: int, activation: str = "tanh", output: str, **fields: Any) -> list[Words]:
    """Hidden layers of so many units, and the output, which is the last of them."""
    *hidden, last = units
    return [
        *({"type": "dense", "units": n, "activation": activation, **fields} for n in hidden),
        {"type": "dense", "units": last, "activation": output},
    ]


def network(inputs: int, layers: list[Words]) -> Words:
    """A network that takes rows of so many numbers."""
    return {"input_shape": [inputs], "layers": layers}


def expect(metric: Metric, value: float, tolerance: float) -> Expectation:
    """That the last epoch's metric lies within `tolerance` of `value`."""
    return Expectation(metric=metric, value=value, tolerance=tolerance)


def ready(
    name: str,
    section: str,
    title: str,
    description: str,
    spec: Words,
    *expected: Expectation,
    seconds: float,
    state: str = "succeeded",
) -> Preset:
    """The preset of that name, `seconds` long, for whatever seed."""
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
