"""A run as one HTML file that opens without a service: its epochs and weights, and their drawing.

    replies of the API, checkpoints ──> JSON ──┐
    page/record.js, page/record.css ───────────┴──> the file

The script answers requests of the page's own components from the JSON: it computes predictions from
the weights. The file may be passed on, so it says nothing of owners and webhooks.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from html import escape
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from ..answers.inspection import without_weights
from ..errors import EpochalError, NotInstalled
from ..jobs.kernel import kernels_of
from ..resources.datasets import load_for_stored_job
from ..specs.build import network_of
from ..specs.inspection import GetSamplePredictionsRequest, SamplePredictions
from ..specs.jobs import GetCurveRequest, Job
from ..specs.training import TrainingSpec
from ..store import Connection, checkpoints
from .context import Context
from .inspection import bounds_around, get_sample_predictions
from .jobs import get_curve, get_job

BUILT = Path(__file__).parents[1] / "page"
MOST_BYTES = 1_000_000
"""The size of a file. Stored epochs are in it until there is no room."""
POINTS = 500
"""The points of a curve, as on the page."""
MOST_INLINE = 50_000
"""The characters of inline data that a file repeats."""
SAMPLES = ((2, 400), (32, 300), (100, 30), (1024, 10))
"""Samples by the most inputs that they have, as on the page."""


def run_file(context: Context, id: str) -> tuple[int, bytes]:
    """Return the epochs of the run, and the file.

    Raises `NotFound`; `NotInstalled` without the built page.
    """
    try:
        script, style = (
            (BUILT / f"record.{suffix}").read_text("utf-8").strip() for suffix in ("js", "css")
        )
    except FileNotFoundError:
        raise NotInstalled(
            "The format html needs the page, which has not been built here: make page"
        ) from None
    job = get_job(context, id)
    if not job.epoch:
        raise without_weights(job.state)
    script = script.replace("</script", r"<\/script").replace("<script", r"<\script")
    run: dict[str, Any] = {
        "exported_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "version": version("epochal-server"),
        "job": _without_private(job),
        "curve": get_curve(context, id, GetCurveRequest(max_points=POINTS)).model_dump(mode="json"),
        "samples": _samples(context, id, job.spec),
        "bounds": _bounds(context, job.spec),
    }
    with context.database.read() as connection:
        run["kernels"] = kernels_of(connection, id)
        room = MOST_BYTES - len(_document(run, script, style))
        if room < 0:
            run["samples"], room = None, 0
        run["weights"] = _weights(connection, id, room)
    return job.epoch, _document(run, script, style)


def _document(run: dict[str, Any], script: str, style: str) -> bytes:
    """Return the file. No text of the run ends its element, or is read as markup."""
    name = escape(run["job"]["spec"].get("name") or "A run")
    data = json.dumps(run, ensure_ascii=False, separators=(",", ":")).replace("<", r"\u003c")
    hashes = {
        "script-src": base64.b64encode(sha256(script.encode()).digest()).decode(),
        "style-src": base64.b64encode(sha256(style.encode()).digest()).decode(),
    }
    policy = "; ".join(
        [
            "default-src 'none'",
            *(f"{directive} 'sha256-{digest}'" for directive, digest in hashes.items()),
            "img-src data: blob:",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{name} · Epochal</title>
<style>{style}</style>
</head>
<body>
<div id="app"></div>
<noscript>This file draws a training run, which needs JavaScript. It loads nothing.</noscript>
<script type="application/json" id="run">{data}</script>
<script>{script}</script>
</body>
</html>
""".encode()


def _without_private(job: Job) -> dict[str, Any]:
    """Return the job without its owner and its webhooks, and without much inline data."""
    public = job.model_dump(mode="json") | {"owner": "local", "webhooks": []}
    spec = public["spec"]
    changed = [change["training"] for change in spec.get("changes") or []]
    for holder in (spec, *changed):
        for dataset in map(holder.get, ("dataset", "validation_dataset")):
            if dataset and "inputs" in dataset and len(json.dumps(dataset)) > MOST_INLINE:
                dataset |= {"inputs": [], "targets": [], "weights": None}
    return public


def _samples(context: Context, id: str, spec: TrainingSpec) -> dict[str, Any] | None:
    """Return samples without their outputs, which the file computes.

    None if there are none to be predicted, or the data set was deleted.
    """
    inputs = int(np.prod(network_of(spec).input_shape))
    count = next((count for most, count in SAMPLES if inputs <= most), 3)
    request = GetSamplePredictionsRequest(order="random", count=count)
    try:
        samples: SamplePredictions = get_sample_predictions(context, id, request)
    except EpochalError:
        return None
    fields: dict[str, Any] = samples.model_dump(mode="json")
    for sample in fields["samples"]:
        sample["outputs"] = []
    return fields


def _bounds(context: Context, spec: TrainingSpec) -> dict[str, float] | None:
    """Return the rectangle of the maps of units; None unless there are two inputs."""
    if np.prod(network_of(spec).input_shape) != 2:
        return None
    try:
        with context.database.read() as connection:
            return bounds_around(load_for_stored_job(connection, spec)).model_dump()
    except EpochalError:
        return None


def _weights(connection: Connection, id: str, room: int) -> dict[str, Any] | None:
    """Return the stored weights, evenly spaced if not all of them have room; None if none has.

    The safetensors files of a job have one header, so that the file has each of them to the bit.
    """
    sizes = checkpoints.sizes(connection, id)
    if not sizes:
        return None
    size = max(sizes.values()) * 4 // 3 + 80  # as base64, with its epoch and its hash
    most = max(room - 4096, 0) // size
    rows = checkpoints.page(connection, id, -1, 2**31 - 1)
    hashes = {row.epoch: row.sha256 for row in rows}
    blobs = {
        epoch: row[1]
        for epoch in _spread([*sizes], most)
        if (row := checkpoints.find(connection, id, epoch)) is not None
    }
    if not blobs:
        return {"epochs": [], "left_out": len(sizes)}
    first = next(iter(blobs.values()))
    header = first[: 8 + int.from_bytes(first[:8], "little")]
    blobs = {epoch: blob for epoch, blob in blobs.items() if blob.startswith(header)}
    return {
        "epochs": [*blobs],
        "sha256": [hashes[epoch] for epoch in blobs],
        "left_out": len(sizes) - len(blobs),
        "header": base64.b64encode(header).decode(),
        "data": base64.b64encode(b"".join(b[len(header) :] for b in blobs.values())).decode(),
    }


def _spread(epochs: Sequence[int], most: int) -> list[int]:
    """Return at most `most` epochs, evenly spaced; the first and the last are among them."""
    if len(epochs) <= most:
        return [*epochs]
    if most < 2:
        return [*epochs[-1:]][:most]
    return [epochs[round(i * (len(epochs) - 1) / (most - 1))] for i in range(most)]
