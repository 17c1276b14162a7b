"""A proof of a run, and its comparison with the run that repeats it.

    a job, elsewhere ──> spec, SHA-256 of the data, curve, SHA-256 of the weights
                          │                          │
                          └──> a job here ──> first epoch that differs

The same spec gives the same bits with the same software on the same kind of processor. Elsewhere,
the difference is described, and nobody is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from ..curves.epochs import merge
from ..errors import Conflict, FieldError, InvalidArgument
from ..jobs.kernel import kernel, kernels_of
from ..resources import datasets
from ..specs.datasets import NamedDataset
from ..specs.jobs import TERMINAL
from ..specs.proofs import Proof, ProofColumn, ProofResult
from ..specs.training import Metric, TrainingSpec
from ..store import Access, Connection, checkpoints
from ..store import log as job_log
from ..store.jobs import JobRow, JobWithSpec
from ..store.packing import pack

TOLERANCES = {"float32": 1e-5, "float64": 1e-9}
"""The relative deviation that counts as a rounding error, as where a program verifies a job."""
COMPARED: tuple[Metric, ...] = tuple(name for name in get_args(Metric) if name != "seconds")
"""The metrics that follow from the spec."""

Columns = Mapping[str, NDArray[np.float64]]


def proof_of(connection: Connection, row: JobWithSpec) -> Proof:
    """Return the proof of a job. Raises `Conflict` unless it has succeeded, with finite metrics;
    `NotFound` if its data set was deleted.
    """
    columns = _columns(connection, row.id)
    if row.state != "succeeded" or not all(np.isfinite(c).all() for c in columns.values()):
        text = f"The job is {row.state}: a proof needs one that has succeeded, with finite metrics"
        raise Conflict(text, reason="job_state")
    spec = TrainingSpec.model_validate_json(row.spec)
    return Proof(
        owner=row.owner,
        kernel=_kernel(connection, row.id),
        spec=spec,
        data_sha256=data_sha256(connection, spec, None),
        curve=[ProofColumn(metric=m, values=columns[m].tolist()) for m in COMPARED if m in columns],
        weights_sha256=_weights_sha256(connection, row),
    )


def data_sha256(connection: Connection, spec: TrainingSpec, access: Access | None) -> str:
    """Return the digest of the data set of a spec; with `access`, one that the caller may read."""
    if access is None:
        dataset = datasets.load_for_stored_job(connection, spec)
    else:
        dataset = datasets.load(connection, spec, access)
    return sha256(pack(datasets.arrays_of(dataset))).hexdigest()


def check_data(connection: Connection, proof: Proof, spec: TrainingSpec, access: Access) -> None:
    """Raise `InvalidArgument` unless the run was trained on the data that the spec names here.

    Other processors draw other last bits: generated data are not compared with theirs.
    """
    parts = (spec.dataset, spec.validation_dataset)
    if proof.kernel != kernel() and any(isinstance(part, NamedDataset) for part in parts):
        return
    digest = data_sha256(connection, spec, access)
    if digest != proof.data_sha256:
        text = f"must be {digest}: the run was trained on other data than the exercise's"
        raise InvalidArgument.of(FieldError("data_sha256", text))


def curve_sha256(proof: Proof) -> str:
    """Return the digest of the curve, which finds a run that two owners submit."""
    return sha256("".join(c.model_dump_json() for c in proof.curve).encode()).hexdigest()


def compare(connection: Connection, proof: str, row: JobRow | None) -> ProofResult:
    """Compare a proof, as JSON, with the job that repeats its run; None was deleted."""
    if row is None:
        return ProofResult(verdict="unknown", detail="The repetition was deleted.")
    if row.state not in TERMINAL:
        return ProofResult(verdict="pending", detail="The service repeats the run.")
    if row.state != "succeeded":
        return ProofResult(verdict="unknown", detail=f"The repetition is {row.state}.")
    return _compare(connection, Proof.model_validate_json(proof), row)


def _compare(connection: Connection, proof: Proof, row: JobRow) -> ProofResult:
    theirs: Columns = {column.metric: np.array(column.values) for column in proof.curve}
    ours = _columns(connection, row.id)
    count = len(ours["train_loss"])
    difference = _first_difference(theirs, ours, 0.0)
    if difference is None and proof.weights_sha256 != _weights_sha256(connection, row):
        difference = {"epoch": count, "metric": "weights"}
    if difference is None:
        text = f"The {count} epochs and the final weights are the same, bit for bit."
        return ProofResult(verdict="accepted", detail=text)
    here = _kernel(connection, row.id)
    if proof.kernel == here:
        return ProofResult(verdict="refused", detail=_text(difference), **difference)
    tolerance = TOLERANCES[proof.spec.dtype]
    difference = _first_difference(theirs, ours, tolerance)
    until = count if difference is None else difference["epoch"] - 1
    text = (
        f"{proof.kernel} trained the run and {here} repeated it, which gives other bits: the "
        f"metrics agree to {tolerance:g} up to epoch {until} of {count}."
    )
    return ProofResult(verdict="inexact", detail=text, **difference or {})


def _first_difference(theirs: Columns, ours: Columns, tolerance: float) -> dict[str, Any] | None:
    """Return epoch, metric and both values where the curves first differ by more than `tolerance`,
    relative to the repeated value; None if they agree.
    """
    first: dict[str, Any] | None = None
    for metric in COMPARED:
        pair = [side.get(metric, np.zeros(0)) for side in (theirs, ours)]
        both = min(map(len, pair))
        submitted, repeated = (column[:both] for column in pair)
        wrong = ~(np.abs(submitted - repeated) <= tolerance * np.abs(repeated))
        index = int(wrong.argmax()) if wrong.any() else both
        if index < max(map(len, pair)) and (first is None or index + 1 < first["epoch"]):
            values = [float(column[index]) if index < len(column) else None for column in pair]
            first = {"epoch": index + 1, "metric": metric}
            first |= dict(zip(("submitted", "repeated"), values, strict=True))
    return first


def _text(difference: Mapping[str, Any]) -> str:
    epoch, metric = difference["epoch"], difference["metric"]
    if metric == "weights":
        return f"The weights after epoch {epoch} differ; the curve is the same."
    submitted, repeated = difference["submitted"], difference["repeated"]
    if submitted is None or repeated is None:
        side = "proof" if submitted is None else "repetition"
        return f"Epoch {epoch} differs: the {side} has no {metric} there."
    return f"Epoch {epoch} differs: {metric} is {submitted!r} in the proof, and {repeated!r} here."


def _columns(connection: Connection, job_id: str) -> Columns:
    segment = merge((first, body) for first, _, body in job_log.bodies(connection, job_id))
    return {} if segment is None else segment.columns


def _kernel(connection: Connection, job_id: str) -> str:
    return " and ".join(kernels_of(connection, job_id))


def _weights_sha256(connection: Connection, row: JobRow) -> str:
    return checkpoints.page(connection, row.id, row.epoch - 1, 1)[0].sha256
