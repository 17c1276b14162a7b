"""A job may use the weights that another one had at one of its epochs: to start from, as a fork,
or as its reward model.

They are copied in the transaction that creates the job: a fork gets them as its own checkpoint of
epoch 0. From then on the other job may be deleted, and a worker reads everything in one place.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from epochal_engine import Network

from ..errors import FieldError, InvalidArgument, NotFound
from ..jobs import lifecycle
from ..jobs.endings import restored_epoch
from ..resources.transfer import Arrays
from ..specs.build import network_of
from ..specs.changes import spec_at
from ..specs.training import TrainingSpec, WeightsOfJobSpec
from ..store import Access, Connection, checkpoints
from ..store.packing import unpack


@dataclass(frozen=True)
class Parent:
    """A job that lends its weights to another one."""

    spec: TrainingSpec
    network: Network
    """The network of its spec; no layer is frozen."""
    state: str | None
    """The state of the job; None for one that is not stored yet."""
    epoch: int | None
    """Epoch of the weights; None for a job that has not ended: its arrays are still unknown."""
    arrays: Arrays
    """Arrays by name, in the order of its network."""


def parent_of(
    connection: Connection, source: WeightsOfJobSpec, access: Access, field: str
) -> Parent:
    """Return the job that the field of a spec names.

    Raises `InvalidArgument` if the job does not exist or has no checkpoint of that epoch.
    """
    try:
        row = lifecycle.find(connection, source.job, access)
    except NotFound as error:
        raise InvalidArgument.of(FieldError(f"{field}.job", error.detail)) from None
    spec = TrainingSpec.model_validate_json(row.spec)
    start = restored_epoch(row, spec) if source.epoch is None else source.epoch
    checkpoint = checkpoints.find(connection, source.job, start)
    if checkpoint is None and start is None:
        text = f"must have stored weights; {source.job} is {row.state} and has none yet"
        raise InvalidArgument.of(FieldError(f"{field}.job", text))
    if checkpoint is None:
        assert start is not None
        match checkpoints.around(connection, source.job, start):
            case []:
                stored = "nor of any other epoch yet"
            case [epoch]:
                stored = f"the nearest stored epoch is {epoch}"
            case epochs:
                stored = f"the nearest stored epochs are {' and '.join(map(str, epochs))}"
        raise InvalidArgument.of(
            FieldError(
                f"{field}.epoch",
                f"must have stored weights; {source.job} has none of epoch {start}, {stored}",
            )
        )
    epoch, blob = checkpoint
    spec = spec_at(spec, epoch)
    arrays, network = unpack(blob), network_of(spec)
    ordered = {name: arrays[name] for name in network.parameters}
    return Parent(spec, network, row.state, epoch, ordered)


def future_parent(spec: TrainingSpec) -> Parent:
    """Return a job of the spec that has not trained yet, with arrays that take no memory."""
    network = network_of(spec)
    arrays = {n: np.broadcast_to(np.float32(0), s) for n, s in network.parameters.items()}
    return Parent(spec, network, None, None, arrays)
