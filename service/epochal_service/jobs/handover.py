"""Hand the weights of a job that has succeeded to the jobs that waited for it."""

from __future__ import annotations

from ..resources.sources import INITIAL_WEIGHTS, sources, with_source
from ..resources.transfer import initial_weights
from ..specs.build import network_of
from ..specs.changes import spec_at
from ..specs.training import TrainingSpec
from ..store import Connection, checkpoints, jobs
from ..store.jobs import JobWithSpec
from ..store.packing import pack, unpack
from .endings import restored_epoch


def hand_over(connection: Connection, source: JobWithSpec, job_id: str, scaling: bytes) -> None:
    """Copy the weights that the source answers with for the job that needs them, and write their
    epoch into its spec: to its checkpoint of epoch 0, or for its reward model.

    `scaling` are the packed arrays that the checkpoint has beside the weights. That the shapes
    match was checked when the job was created.
    """
    row = jobs.find(connection, job_id)
    assert row is not None
    source_spec = TrainingSpec.model_validate_json(source.spec)
    spec = TrainingSpec.model_validate_json(row.spec)
    checkpoint = checkpoints.find(connection, source.id, restored_epoch(source, source_spec))
    assert checkpoint is not None
    epoch, blob = checkpoint
    arrays = unpack(blob)
    source_spec = spec_at(source_spec, epoch)
    network = network_of(source_spec)
    ordered = {name: arrays[name] for name in network.parameters}
    for field in [name for name, used in sources(spec).items() if used.job == source.id]:
        if field == INITIAL_WEIGHTS:
            weights = initial_weights(spec, network, ordered)
            checkpoints.insert(connection, job_id, [(0, pack({**weights, **unpack(scaling)}))])
        else:
            checkpoints.put_reward_weights(connection, job_id, pack(ordered))
            spec = with_source(spec, field, network=source_spec.network)
        spec = with_source(spec, field, epoch=epoch)
    jobs.replace_spec(connection, job_id, spec.model_dump_json())
