"""Train preset experiments through a whole service, and store what the page opens with.

    make results ARGS="xor-1969 lenet-1998"    these, or all whose file is missing or out of date

It starts `epochald up` in an empty folder, creates each experiment over HTTP, and writes its
claims, the curves of its first seed, and the replies that its pictures are drawn from, to
`service/epochal_service/journey/results/NAME.json`.
"""

from __future__ import annotations

import json
import math
import re
import sys
import time
from pathlib import Path
from typing import Any

import httpx2

from epochal_service.journey import stored_results
from epochal_service.journey.exhibits import EXHIBITS
from epochal_service.journey.history import PRESET_EXPERIMENTS
from epochal_service.specs.journey.preset_experiments import PresetExperiment
from epochal_service.specs.journey.stored_results import ExhibitCall

from .history import fresh_service

RESULTS = Path(stored_results.__file__).with_name("results")
MAX_POINTS = 100
DIGITS = 5
"""Significant digits of the stored numbers."""
METRICS = ["train_loss", "validation_loss", "train_accuracy", "validation_accuracy"]


def results(client: httpx2.Client, preset: PresetExperiment) -> dict[str, Any]:
    """Train the preset through the service and return the content of its file."""
    spec = preset.model_dump(mode="json")["spec"]
    experiment = _sent(client, "POST", "/v1/experiments", spec)
    while experiment["state"] == "running":
        time.sleep(0.2)
        experiment = _sent(client, "GET", f"/v1/experiments/{experiment['id']}")
    first = experiment["seeds"][0]
    ids = {job["job"]: job["id"] for job in experiment["jobs"] if job["seed"] == first}
    metrics = {*METRICS, *(claim.metric for claim in preset.spec.claims)}
    curves = [
        {"job": job, "series": _series(client, job_id, metrics)} for job, job_id in ids.items()
    ]
    replies = [
        [reply_to(client, call, ids[call.job]) for call in exhibit.calls]
        for exhibit in EXHIBITS.get(preset.name, ())
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


def _is_stale(preset: PresetExperiment) -> bool:
    stored = stored_results.read(preset.name)
    return stored is None or stored.fingerprint != stored_results.fingerprint(preset)


def main(names: list[str]) -> None:
    """Store the results of the presets of these names; without names, of those that need it."""
    presets = [p for p in PRESET_EXPERIMENTS if p.name in names or (not names and _is_stale(p))]
    if unknown := {*names} - {preset.name for preset in presets}:
        raise SystemExit(f"There is no preset experiment {', '.join(sorted(unknown))}")
    RESULTS.mkdir(exist_ok=True)
    with fresh_service() as (stack, _), httpx2.Client(base_url=stack.http, timeout=300) as client:
        for preset in presets:
            stored = results(client, preset)
            text = json.dumps(stored, separators=(",", ":"), ensure_ascii=False)
            # A line for each part, so that a change can be read.
            text = re.sub(r'("(?:curves|replies|jobs|claims)":)', r"\n\1", text)
            (RESULTS / f"{preset.name}.json").write_text(f"{text}\n", encoding="utf-8")
            claims = stored["experiment"]["claims"]
            met = [f"{claim['text']}: {claim['met']} of {len(claim['runs'])}" for claim in claims]
            print(f"{preset.name}: {len(text):,} characters; {'; '.join(met)}")


if __name__ == "__main__":
    main(sys.argv[1:])
