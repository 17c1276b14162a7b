"""Diagnose a job by its curve, its gradients and its latest weights."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np

import epochal_engine as engine

from ..jobs import baselines, lifecycle
from ..jobs.epochs import merge, unpack_gradients
from ..jobs.preparation import prepare
from ..specs.diagnosis import Diagnosis, Finding, Label
from ..specs.training import TrainingSpec
from ..store import checkpoints
from ..store import log as job_log
from ..store.packing import unpack
from .context import Context


def get_diagnosis(context: Context, id: str) -> Diagnosis:
    """Return the diagnosis. Raises `NotFound`, also if the job's data set was deleted."""
    with context.database.read() as connection:
        row = lifecycle.find(connection, id, context.owner)
        spec = TrainingSpec.model_validate_json(row.spec)
        segment = merge((first, body) for first, _, body in job_log.bodies(connection, id))
        gradients = unpack_gradients(blob for _, _, blob in job_log.gradients(connection, id))
        checkpoint = checkpoints.find(connection, id)
    limits = context.settings.limits
    prepared = prepare(context.database, spec, context.owner, limits, stored=True)
    if segment is None:
        return Diagnosis(epoch=0)
    diverged = row.stop_reason == "diverged"
    losses = segment.columns["train_loss"]
    losses_of = baselines.load(row.baselines)
    label = baselines.label(
        losses,
        prepared.network,
        None if losses_of is None else losses_of.constant,
        None if losses_of is None else losses_of.initial,
        diverged=diverged,
    )
    with np.errstate(all="ignore"):
        findings = engine.diagnose(
            prepared.network,
            prepared.training,
            prepared.data,
            None if checkpoint is None else unpack(checkpoint[1]),
            segment.columns,
            gradients,
            diverged=diverged,
        )
    return Diagnosis(
        epoch=len(losses),
        label=Label(**asdict(label)) if len(losses) > 1 or diverged else None,
        findings=[Finding(**asdict(finding)) for finding in findings],
    )
