"""Ready jobs: each file of this folder is one, a sentence on it and the spec to send."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from ..errors import EpochalError


@dataclass(frozen=True)
class Preset:
    """A ready job."""

    name: str
    description: str
    spec: dict[str, Any]


@cache
def _texts() -> dict[str, str]:
    return {
        file.name.removesuffix(".json"): file.read_text("utf-8")
        for file in sorted(files(__name__).iterdir(), key=lambda file: file.name)
        if file.name.endswith(".json")
    }


def presets() -> list[Preset]:
    """Every preset, by name."""
    return [Preset(name, **json.loads(text)) for name, text in _texts().items()]


def preset(name: str) -> dict[str, Any]:
    """The spec of one preset, yours to change. Raises `EpochalError`, which names all of them."""
    if name not in _texts():
        raise EpochalError(f"There is no preset {name!r}; there are {', '.join(_texts())}")
    spec: dict[str, Any] = json.loads(_texts()[name])["spec"]
    return spec
