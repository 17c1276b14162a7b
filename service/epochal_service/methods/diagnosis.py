"""A job's diagnosis: its curve, its gradients and its last weights, read by the engine."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np

import epochal_engine as engine

from ..jobs import lifecycle
from ..jobs.epochs import join, unpack_gradients
from ..jobs.preparation import prepare
from ..specs.diagnosis import Diagnosis, Finding, Label
from ..specs.training import TrainingSpec
from ..store import checkpoints
from ..store import log as job_log
from ..store.packing import unpack
from .context import Context


def get_diagnosis(context: Context, id: str) -> Diagnosis:
    """What the run's numbers say so far. Raises `NotFound`, also where its data set is gone."""
    with context.database.read() as connection:
        row = lifecycle.find(connection, id, context.owner)
        spec = TrainingSpec.model_validate_json(row.spec)
        stretch = join((first, body) for first, _, body in job_log.bodies(connection, id))
        gradients = unpack_gradients(blob for _, _, blob in job_log.gradients(connection, id))
        checkpoint = checkpoints.find(connection, id)
    limits = context.settings.limits
    prepared = prepare(context.database, spec, context.owner, limits, stored=True)
    if stretch is None:
        return Diagnosis(epoch=0)
    diverged = row.stop_reason == "diverged"
    losses = stretch.columns["train_loss"]
    found = engine.label(losses, diverged=diverged)
    with np.errstate(all="ignore"):
        findings = engine.diagnose(
            prepared.network,
            prepared.training,
            prepared.data,
            None if checkpoint is None else unpack(checkpoint[1]),
            stretch.columns,
            gradients,
            diverged=diverged,
        )
    return Diagnosis(
        epoch=len(losses),
        label=Label(**asdict(found)) if len(losses) > 1 or diverged else None,
        findings=[Finding(**asdict(finding)) for finding in findings],
    )
