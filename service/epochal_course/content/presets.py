"""Presets for the sections of the journey: jobs with their expected results."""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic import ValidationInfo, field_validator

from epochal_service.errors import NotFound
from epochal_service.specs.jobs import JobState

from ..loading import load
from ..specs.content.presets import Preset


class WrittenPreset(Preset):
    """A preset of the file: its job has its title as a name, and seed 7."""

    expected_state: JobState = "succeeded"

    @field_validator("spec", mode="before")
    @classmethod
    def _named(cls, spec: Any, info: ValidationInfo) -> Any:
        if not isinstance(spec, dict):
            return spec
        return {"name": info.data.get("title", ""), "seed": 7, **spec}


@cache
def presets() -> list[WrittenPreset]:
    """Return all presets, in the order of the journey."""
    return load("presets", list[WrittenPreset])


def preset(name: str) -> Preset:
    """Return the preset with this name. Raises `NotFound`."""
    for item in presets():
        if item.name == name:
            return item
    raise NotFound(f"There is no preset {name}; GET /course/v1/presets lists all of them")
