"""Results of preset experiments that ran once, read from a file for each.

    preset, exhibits ──> tools/store_results.py ──> results/NAME.json ──> GET .../NAME/results

A file holds the fingerprint of the spec and the requests that it was made with. If they have
changed since, its results are stale and are not returned.
"""

from __future__ import annotations

import json
from hashlib import sha256
from importlib.resources import files
from typing import Any

from pydantic import BaseModel, ConfigDict

from epochal_service.specs.experiments import Experiment

from ..specs.content.preset_experiments import PresetExperiment
from ..specs.content.stored_results import Exhibit, ExperimentCurve, PresetExperimentResults
from .exhibits import exhibits


class StoredResults(BaseModel):
    """The content of a file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fingerprint: str
    """The digest of the preset's spec and the requests of its exhibits, see `fingerprint`."""
    experiment: Experiment
    curves: list[ExperimentCurve]
    replies: list[list[Any]]
    """The reply to each request of each exhibit."""


def fingerprint(preset: PresetExperiment) -> str:
    """Return a digest of all that the results of the preset are computed from."""
    calls = [call.model_dump() for exhibit in _exhibits(preset) for call in exhibit.calls]
    text = json.dumps([preset.model_dump(mode="json")["spec"], calls], sort_keys=True)
    return sha256(text.encode()).hexdigest()


def _exhibits(preset: PresetExperiment) -> list[Exhibit]:
    return exhibits().get(preset.name, [])


def read(name: str) -> StoredResults | None:
    """Return what is stored for the preset of this name; None without a file."""
    file = files(__package__).joinpath("results", f"{name}.json")
    return StoredResults.model_validate_json(file.read_bytes()) if file.is_file() else None


def results_of(preset: PresetExperiment) -> PresetExperimentResults:
    """Return the exhibits of the preset, with the stored results if these belong to its spec."""
    stored = read(preset.name)
    pictures = _exhibits(preset)
    if stored is None or stored.fingerprint != fingerprint(preset):
        return PresetExperimentResults(name=preset.name, curves=[], exhibits=pictures)
    return PresetExperimentResults(
        name=preset.name,
        experiment=stored.experiment,
        curves=stored.curves,
        exhibits=[
            _with_replies(exhibit, replies)
            for exhibit, replies in zip(pictures, stored.replies, strict=True)
        ],
    )


def _with_replies(exhibit: Exhibit, replies: list[Any]) -> Exhibit:
    calls = [
        call.model_copy(update={"reply": json.dumps(reply, separators=(",", ":"))})
        for call, reply in zip(exhibit.calls, replies, strict=True)
    ]
    return exhibit.model_copy(update={"calls": calls})
