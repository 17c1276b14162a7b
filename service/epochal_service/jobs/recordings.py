"""What is stored of a job's training, as a training program needs it."""

from __future__ import annotations

import numpy as np

import epochal_engine as engine
from epochal_engine.export.training import Recording
from epochal_engine.training import check_data

from ..errors import NotFound
from ..settings import Limits
from ..specs.training import TrainingSpec
from ..store import Access, Database, checkpoints
from ..store import log as job_log
from ..store.packing import unpack
from . import lifecycle
from .epochs import merge, unpack_gradients
from .preparation import prepare


def recording_of(database: Database, job_id: str, access: Access, limits: Limits) -> Recording:
    """Return the training of the job up to its latest stored epoch.

    Raises `NotFound` if no epoch is stored yet, or the job's data set was deleted.
    """
    with database.read() as connection:
        row = lifecycle.find(connection, job_id, access)
        segment = merge((first, body) for first, _, body in job_log.bodies(connection, job_id))
        gradients = unpack_gradients(blob for _, _, blob in job_log.gradients(connection, job_id))
        initial = checkpoints.find(connection, job_id, 0)
        latest = checkpoints.find(connection, job_id)
    if segment is None:
        raise NotFound(
            f"The job is {row.state} and has no epoch yet", reason="checkpoint_not_found"
        )
    spec = TrainingSpec.model_validate_json(row.spec)
    prepared = prepare(database, spec, row.owner, limits, stored=True)
    network, training, data = prepared.network, prepared.training, prepared.data
    if initial is not None:
        initial_weights = unpack(initial[1])
    else:  # Created by a version that stored no initial weights.
        initial_weights = engine.Run(network, training, data).weights()
    last_epoch, last_weights = 0, initial_weights
    if latest is not None:
        last_epoch, last_weights = latest[0], unpack(latest[1])
    norms = {}
    if gradients is not None:
        column = engine.STATISTICS.index("norm")
        norms = {
            layer: gradients.statistics[:, index, column]
            for index, layer in enumerate(gradients.layers)
        }
    return Recording(
        name=job_id,
        network=network,
        training=training,
        data=check_data(network, training, data),
        initial_weights=initial_weights,
        columns={name: c for name, c in segment.columns.items() if name != "seconds"},
        gradient_epochs=np.zeros(0, np.int64) if gradients is None else gradients.epochs,
        gradient_norms=norms,
        last_epoch=last_epoch,
        last_weights=last_weights,
    )
