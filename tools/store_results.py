"""Store what the page opens with of a preset experiment that a service has trained: its claims, the
curves of its first seed, and the replies that its pictures are drawn from.
"""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import httpx2

from epochal_course.content import stored_results
from epochal_course.content.exhibits import exhibits
from epochal_course.specs.content.preset_experiments import PresetExperiment
from epochal_course.specs.content.stored_results import ExhibitCall

RESULTS = Path(stored_results.__file__).with_name("results")
MAX_POINTS = 100
DIGITS = 5
"""Significant digits of the stored numbers."""
METRICS = ["train_loss", "validation_loss", "train_accuracy", "validation_accuracy"]


def write(client: httpx2.Client, preset: PresetExperiment, id: str, folder: Path) -> None:
    """Write the results of the trained experiment with this id to NAME.json in the folder."""
    stored = results(client, preset, _sent(client, "GET", f"/v1/experiments/{id}"))
    text = json.dumps(stored, separators=(",", ":"), ensure_ascii=False)
    # A line for each part, so that a change can be read.
    text = re.sub(r'("(?:curves|replies|jobs|claims)":)', r"\n\1", text)
    (folder / f"{preset.name}.json").write_text(f"{text}\n", encoding="utf-8")


def results(
    client: httpx2.Client, preset: PresetExperiment, experiment: dict[str, Any]
) -> dict[str, Any]:
    """Return the content of the file of an experiment that has ended."""
    first = experiment["seeds"][0]
    ids = {job["job"]: job["id"] for job in experiment["jobs"] if job["seed"] == first}
    metrics = {*METRICS, *(claim.metric for claim in preset.spec.claims)}
    curves = [
        {"job": job, "series": _series(client, job_id, metrics)} for job, job_id in ids.items()
    ]
    replies = [
        [reply_to(client, call, ids[call.job]) for call in exhibit.calls]
        for exhibit in exhibits().get(preset.name, ())
    ]
    for run in experiment["jobs"]:
        run["id"] = ""
    stored = {
        "fingerprint": stored_results.fingerprint(preset),
        "experiment": {**experiment, "id": ""},
        "curves": curves,
        "replies": replies,
    }
    rounded: dict[str, Any] = _rounded(stored)
    return rounded


def _series(client: httpx2.Client, job_id: str, metrics: set[str]) -> list[Any]:
    curve = _sent(client, "GET", f"/v1/jobs/{job_id}/curve", {"max_points": MAX_POINTS})
    return [line for line in curve["series"] if line["metric"] in metrics]


def reply_to(client: httpx2.Client, call: ExhibitCall, job_id: str) -> Any:
    """Return the reply of the service to the request of an exhibit."""
    return _sent(client, call.method, call.path.format(id=job_id), json.loads(call.request))


def _sent(client: httpx2.Client, method: str, path: str, fields: Any = None) -> Any:
    place = {"params": fields} if method == "GET" else {"json": fields}
    reply = client.request(method, path, **place)
    if reply.is_error:
        raise SystemExit(f"{method} {path}: {reply.text}")
    return reply.json()


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    if isinstance(value, float) and math.isfinite(value):
        return float(f"{value:.{DIGITS}g}")
    return value


def is_stale(preset: PresetExperiment) -> bool:
    """Return whether no results of the present spec and pictures are stored."""
    stored = stored_results.read(preset.name)
    return stored is None or stored.fingerprint != stored_results.fingerprint(preset)
