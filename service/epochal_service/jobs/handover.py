"""Hand the weights of a job that has succeeded to the jobs that waited for it."""

from __future__ import annotations

from ..specs.build import network_of
from ..specs.training import TrainingSpec
from ..store import Connection, checkpoints, jobs
from ..store.jobs import JobWithSpec
from ..store.packing import pack, unpack
from .endings import restored_epoch
from .transfer import initial_weights


def hand_over(connection: Connection, source: JobWithSpec, job_id: str, scaling: bytes) -> None:
    """Copy the weights that the source answers with into the job's checkpoint of epoch 0, and write
    their epoch into its spec.

    `scaling` are the packed arrays that the checkpoint has beside the weights. That the shapes
    match was checked when the job was created.
    """
    row = jobs.find(connection, job_id)
    assert row is not None
    source_spec = TrainingSpec.model_validate_json(source.spec)
    spec = TrainingSpec.model_validate_json(row.spec)
    assert spec.initial_weights is not None
    checkpoint = checkpoints.find(connection, source.id, restored_epoch(source, source_spec))
    assert checkpoint is not None
    epoch, blob = checkpoint
    arrays = unpack(blob)
    ordered = {name: arrays[name] for name in network_of(source_spec).parameters}
    weights = initial_weights(spec, source_spec, ordered)
    checkpoints.insert(connection, job_id, [(0, pack({**weights, **unpack(scaling)}))])
    start = spec.initial_weights.model_copy(update={"epoch": epoch})
    changed = spec.model_copy(update={"initial_weights": start})
    jobs.replace_spec(connection, job_id, changed.model_dump_json())
