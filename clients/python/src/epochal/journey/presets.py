"""Ready jobs, each with what comes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Expectation:
    """A number that the job ends with, whatever its seed: `value`, give or take `tolerance`."""

    metric: str
    value: float
    tolerance: float


@dataclass(frozen=True)
class Preset:
    """A ready job: `client.jobs.create(preset.spec)`."""

    name: str
    title: str
    description: str
    section: str
    spec: dict[str, Any]
    expected_state: str
    expected: tuple[Expectation, ...]
    expected_seconds: float


@dataclass(frozen=True)
class Presets:
    """All of them, in the order of the journey."""

    presets: tuple[Preset, ...]
