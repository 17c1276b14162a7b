"""The members of a sweep: networks and trainings that differ in numbers and initial weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import numpy as np

from ..model.layers import Layer, Residual
from ..model.network import Network, parameter_views
from ..symbolic.trace import Array
from .streams import new_parameters
from .training import Training


def with_initializer(network: Network, **fields: Any) -> Network:
    """Return the network with `initializer`, `initializer_gain`, or both, set in every layer that
    has them. Raises ValueError for an unknown initializer or a gain out of range.
    """
    return replace(network, layers=_with_initializer(network.layers, fields))


def _with_initializer(layers: Sequence[Layer], fields: dict[str, Any]) -> tuple[Layer, ...]:
    changed: list[Layer] = []
    for layer in layers:
        if isinstance(layer, Residual):
            layer = replace(layer, layers=_with_initializer(layer.layers, fields))
        elif hasattr(layer, "initializer_gain"):
            layer = replace(layer, **fields)
        changed.append(layer)
    return tuple(changed)


def check_alike(networks: Sequence[Network], trainings: Sequence[Training]) -> None:
    """Raise ValueError if the members differ in anything that they must share."""
    if not trainings:
        raise ValueError("a sweep needs at least one member")
    if len(networks) != len(trainings):
        raise ValueError("a sweep needs one network for all members, or one for each")
    defaults = {"initializer": None, "initializer_gain": 1.0}
    alike = {
        replace(network, layers=_with_initializer(network.layers, defaults))
        for network in set(networks)
    }
    if len(alike) > 1:
        raise ValueError("the networks of a sweep may differ only in their initial weights")
    first = trainings[0]
    for training in trainings:
        for name in (
            "loss",
            "epochs",
            "batch_size",
            "augmentation",
            "corruption",
            "shuffle",
            "gradients_every",
            "dtype",
        ):
            if getattr(training, name) != getattr(first, name):
                raise ValueError(f"the members of a sweep need the same {name}")
        if training.optimizer.type != first.optimizer.type:
            raise ValueError("the members of a sweep need the same type of optimizer")


def initial_parameters(networks: Sequence[Network], seeds: Sequence[int], vectors: Array) -> None:
    """Fill `vectors` `(members, size)` with the initial parameters of each seed."""
    views = parameter_views(networks[0], vectors)
    for row, (network, seed) in enumerate(zip(networks, seeds, strict=True)):
        for name, array in new_parameters(network, seed).items():
            np.copyto(views[name][row], array)


@dataclass(frozen=True)
class Group:
    """Neighboring rows `start` to `end` with optimizers that differ only in the learning rate."""

    optimizer: Any
    start: int
    end: int


def kind(training: Training) -> str:
    """Return what the members of a group have in common, as text that can be sorted."""
    return repr(replace(training.optimizer, learning_rate=1.0))


def groups_of(trainings: Sequence[Training]) -> list[Group]:
    """Return groups of neighboring members of one kind."""
    groups = []
    for _, rows in groupby(range(len(trainings)), key=lambda row: kind(trainings[row])):
        row, *others = rows
        optimizer = replace(trainings[row].optimizer, learning_rate=1.0)
        groups.append(Group(optimizer, row, row + 1 + len(others)))
    return groups
