"""The newest weights of a small network, for the watchers of its job."""

from __future__ import annotations

from collections.abc import Sequence

from ..jobs.endings import restored_epoch
from ..preparation.prepared import SCALINGS
from ..specs.build import network_of
from ..specs.jobs import WATCHED_PARAMETERS, ParameterArray, Parameters
from ..specs.training import TrainingSpec
from ..store import Connection, checkpoints, jobs
from ..store.packing import unpack


class ParameterReader:
    """Reads the weights of a job."""

    def __init__(self, job_id: str) -> None:
        self._job_id = job_id
        self._names: tuple[str, ...] | None = None

    def newer(self, connection: Connection, epoch: int) -> Parameters | None:
        """Return the weights of the latest epoch that is stored; None if it is not after `epoch`,
        and for a large network.
        """
        if self._names is None:
            self._names = self._read_names(connection)
        if not self._names:
            return None
        return _packed(checkpoints.newer(connection, self._job_id, epoch), self._names)

    def last(self, connection: Connection) -> Parameters | None:
        """Return the weights that a job which has ended answers with; None without any."""
        row = jobs.find(connection, self._job_id)
        if row is None or row.parameters > WATCHED_PARAMETERS:
            return None
        spec = TrainingSpec.model_validate_json(row.spec)
        checkpoint = checkpoints.nearest(connection, self._job_id, restored_epoch(row, spec))
        return _packed(checkpoint, _names(spec))

    def _read_names(self, connection: Connection) -> tuple[str, ...]:
        """Return the names of the arrays; none for a large network."""
        row = jobs.find(connection, self._job_id)
        if row is None or row.parameters > WATCHED_PARAMETERS:
            return ()
        return _names(TrainingSpec.model_validate_json(row.spec))


def _names(spec: TrainingSpec) -> tuple[str, ...]:
    """Return the names of the arrays in forward order, which no change of the training changes."""
    return tuple(network_of(spec).parameters)


def _packed(checkpoint: tuple[int, bytes] | None, names: Sequence[str]) -> Parameters | None:
    if checkpoint is None:
        return None
    epoch, blob = checkpoint
    weights = unpack(blob)
    arrays = {name: weights[name] for name in (*names, *SCALINGS) if name in weights}
    return Parameters(
        epoch=epoch,
        arrays=[
            ParameterArray(name=name, shape=list(array.shape)) for name, array in arrays.items()
        ],
        data=b"".join(array.astype("<f4").tobytes() for array in arrays.values()),
    )
