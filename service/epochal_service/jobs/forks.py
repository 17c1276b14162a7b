"""A fork begins from the weights that another job had at one of its epochs.

They are copied in the transaction that makes the fork, as its own checkpoint of epoch 0: whoever is
told that the fork exists can delete the other job, and whoever takes the fork up finds all that it
needs in one place.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from epochal_engine import Network

from ..errors import FieldError, InvalidArgument, NotFound
from ..specs.build import build_network
from ..specs.networks import NetworkSpec
from ..specs.training import InitialWeightsSpec, TrainingSpec
from ..store import Connection, checkpoints
from ..store.packing import unpack
from . import lifecycle

Array = NDArray[Any]
Named = tuple[str, Array]


def weights_of(connection: Connection, asked: InitialWeightsSpec, owner: str) -> list[Named]:
    """The other job's arrays at that epoch, in the forward order of its network.

    Raises `InvalidArgument` where there is no such job, or no weights of that epoch.
    """
    try:
        row = lifecycle.find(connection, asked.job, owner)
    except NotFound as error:
        raise InvalidArgument.of(FieldError("initial_weights.job", error.detail)) from None
    found = checkpoints.find(connection, asked.job, asked.epoch)
    if found is None:
        near = checkpoints.around(connection, asked.job, asked.epoch)
        stored = (
            f"the nearest that it has are of {' and '.join(map(str, near))}"
            if near
            else "and none of any other yet"
        )
        raise InvalidArgument.of(
            FieldError(
                "initial_weights.epoch",
                f"must have stored weights; {asked.job} has none of epoch {asked.epoch}, {stored}",
            )
        )
    network = TrainingSpec.model_validate_json(row.spec).network
    assert isinstance(network, NetworkSpec)
    arrays = unpack(found[1])
    return [(name, arrays[name]) for name in build_network(network).parameters]


def fitted(weights: Sequence[Named], network: Network, job: str) -> dict[str, Array]:
    """The other job's arrays under this network's names, matched in forward order.

    Raises `InvalidArgument` that names each layer of another shape, with both shapes.
    """
    ours = list(network.parameters.items())
    told = [
        f"needs the shapes of this network: {_written(name)} has {list(shape)}, and "
        f"{_written(other)} of {job} has {list(array.shape)}"
        for (name, shape), (other, array) in zip(ours, weights, strict=False)
        if shape != array.shape
    ]
    told += [
        f"needs all weights of this network: {job} has none for {_written(name)}, {list(shape)}"
        for name, shape in ours[len(weights) :]
    ]
    told += [
        f"must have no more weights than this network: {job} has {_written(name)} as well, "
        f"{list(array.shape)}"
        for name, array in weights[len(ours) :]
    ]
    if told:
        raise InvalidArgument.of(*(FieldError("initial_weights.job", text) for text in told))
    return {name: array for (name, _), (_, array) in zip(ours, weights, strict=True)}


def _written(parameter: str) -> str:
    """`the weight of dense_1` for dense_1.weight."""
    layer, _, name = parameter.rpartition(".")
    return f"the {name} of {layer}"
