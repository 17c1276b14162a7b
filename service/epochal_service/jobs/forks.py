"""A fork starts from the weights that another job had at one of its epochs.

They are copied in the transaction that creates the fork, as the fork's own checkpoint of epoch 0.
From then on the other job may be deleted, and a worker reads everything in one place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from epochal_engine import Network

from ..errors import FieldError, InvalidArgument, NotFound
from ..specs.build import build_network
from ..specs.networks import NetworkSpec
from ..specs.training import InitialWeightsSpec, TrainingSpec
from ..store import Access, Connection, checkpoints
from ..store.packing import unpack
from . import lifecycle
from .endings import restored_epoch

Array = NDArray[Any]
NamedArray = tuple[str, Array]


@dataclass(frozen=True)
class Parent:
    """The job that a fork starts from."""

    spec: TrainingSpec
    epoch: int | None
    """Epoch of the weights; None for a job that has not ended, whose arrays are still unknown."""
    arrays: Sequence[NamedArray]
    """Arrays by name, in the order of its network."""


def parent_of(connection: Connection, source: InitialWeightsSpec, owner: str) -> Parent:
    """Return the job of the initial weights.

    Raises `InvalidArgument` if the job does not exist or has no checkpoint of that epoch.
    """
    try:
        row = lifecycle.find(connection, source.job, Access(owner))
    except NotFound as error:
        raise InvalidArgument.of(FieldError("initial_weights.job", error.detail)) from None
    spec = TrainingSpec.model_validate_json(row.spec)
    start = restored_epoch(row, spec) if source.epoch is None else source.epoch
    checkpoint = checkpoints.find(connection, source.job, start)
    if checkpoint is None and start is None:
        text = f"must have stored weights; {source.job} is {row.state} and has none yet"
        raise InvalidArgument.of(FieldError("initial_weights.job", text))
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
                "initial_weights.epoch",
                f"must have stored weights; {source.job} has none of epoch {start}, {stored}",
            )
        )
    epoch, blob = checkpoint
    arrays = unpack(blob)
    return Parent(spec, epoch, [(name, arrays[name]) for name in _parameters(spec)])


def future_parent(spec: TrainingSpec) -> Parent:
    """Return a job of the spec that has not trained yet, with arrays that take no memory."""
    shapes = _parameters(spec)
    return Parent(spec, None, [(n, np.broadcast_to(np.float32(0), s)) for n, s in shapes.items()])


def _parameters(spec: TrainingSpec) -> Mapping[str, tuple[int, ...]]:
    assert isinstance(spec.network, NetworkSpec)
    return build_network(spec.network).parameters


def fitted(weights: Sequence[NamedArray], network: Network, job: str) -> dict[str, Array]:
    """Return the other job's arrays under this network's names, matched in forward order.

    Raises `InvalidArgument` that names each array of another shape, with both shapes.
    """
    parameters = list(network.parameters.items())
    errors = [
        f"needs the shapes of this network: {_array_text(name)} has {list(shape)}, and "
        f"{_array_text(other)} of {job} has {list(array.shape)}"
        for (name, shape), (other, array) in zip(parameters, weights, strict=False)
        if shape != array.shape
    ]
    errors += [
        f"needs all weights of this network: {job} has none for {_array_text(name)}, {list(shape)}"
        for name, shape in parameters[len(weights) :]
    ]
    errors += [
        f"must have no more weights than this network: {job} also has {_array_text(name)}, "
        f"{list(array.shape)}"
        for name, array in weights[len(parameters) :]
    ]
    if errors:
        raise InvalidArgument.of(*(FieldError("initial_weights.job", text) for text in errors))
    return {name: array for (name, _), (_, array) in zip(parameters, weights, strict=True)}


def _array_text(parameter: str) -> str:
    """Return `the weight of dense_1` for dense_1.weight."""
    layer, _, name = parameter.rpartition(".")
    return f"the {name} of {layer}"
