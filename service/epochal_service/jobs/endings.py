"""The weights that a job leaves at its end: its best epoch beside its last one."""

from __future__ import annotations

import json
from typing import Any

from epochal_engine import Best

from ..specs.jobs import TERMINAL
from ..specs.training import TrainingSpec
from ..store import Connection, checkpoints
from ..store.jobs import JobRow
from ..store.packing import pack, unpack_state

BEST = "best:"
"""Prefix of the best epoch's arrays in a resume point, see `epochal_engine.State`."""


def dump_best(best: Best | None) -> str | None:
    """Return the best epoch as JSON, for the column `best` of the job's row."""
    if best is None:
        return None
    return json.dumps({"epoch": best.epoch, "metric": best.metric, "value": best.value})


def restored_epoch(row: JobRow, spec: TrainingSpec) -> int | None:
    """Return the best epoch if a job that has ended restores it; else None."""
    stopping = spec.early_stopping
    if stopping is None or not stopping.restore_best or row.best is None:
        return None
    return int(json.loads(row.best)["epoch"]) if row.state in TERMINAL else None


def rescue_best(
    connection: Connection, job_id: str, best: str, resume_state: bytes | None
) -> tuple[list[int], dict[str, Any]]:
    """Store the weights of the best epoch from a resume point, if they are not stored.

    Return the epochs of new checkpoints, and values of the row: the best epoch up to the resume
    point. Epochs after it are in the curve, but their weights are lost.
    """
    stored = checkpoints.stored_epochs(connection, job_id)
    if json.loads(best)["epoch"] in stored:
        return [], {}
    arrays, values = ({}, {}) if resume_state is None else unpack_state(resume_state)
    earlier = values.get("best")
    if earlier is None:
        return [], {"best": None}
    fresh = {earlier["epoch"]} - stored
    weights = {
        name.removeprefix(BEST): array for name, array in arrays.items() if name.startswith(BEST)
    }
    checkpoints.insert(connection, job_id, [(epoch, pack(weights)) for epoch in fresh])
    return [*fresh], {"best": json.dumps(earlier)}
