"""The members of a sweep: networks and trainings that differ in numbers and first weights alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import numpy as np

from .layers import Layer, Residual
from .network import Network, parameter_views
from .streams import Streams
from .trace import Array
from .training import Training


def started(network: Network, **how: Any) -> Network:
    """The network with other first weights: `how` has an `initializer`, its `initializer_gain`, or
    both, for every layer that has them. Raises ValueError for what is no initializer or no gain.
    """
    return Network(network.input_shape, _started(network.layers, how))


def _started(layers: Sequence[Layer], how: dict[str, Any]) -> tuple[Layer, ...]:
    changed: list[Layer] = []
    for layer in layers:
        if isinstance(layer, Residual):
            layer = replace(layer, layers=_started(layer.layers, how))
        elif hasattr(layer, "initializer_gain"):
            layer = replace(layer, **how)
        changed.append(layer)
    return tuple(changed)


def check_alike(networks: Sequence[Network], trainings: Sequence[Training]) -> None:
    """Raise ValueError unless the members differ in nothing but what they may."""
    if not trainings:
        raise ValueError("a sweep needs at least one member")
    if len(networks) != len(trainings):
        raise ValueError("a sweep needs one network for all members, or one for each")
    usual = {"initializer": None, "initializer_gain": 1.0}
    alike = {(each.input_shape, _started(each.layers, usual)) for each in networks}
    if len(alike) > 1:
        raise ValueError("the networks of a sweep may differ in their first weights alone")
    first = trainings[0]
    for training in trainings:
        for name in (
            "loss",
            "epochs",
            "batch_size",
            "augmentation",
            "shuffle",
            "gradients_every",
            "dtype",
        ):
            if getattr(training, name) != getattr(first, name):
                raise ValueError(f"the members of a sweep need the same {name}")
        if training.optimizer.type != first.optimizer.type:
            raise ValueError("the members of a sweep need the same type of optimizer")


def first_weights(networks: Sequence[Network], seeds: Sequence[int], vectors: Array) -> None:
    """Fill `vectors` `(members, size)` with the weights that a run of each seed begins with."""
    views = parameter_views(networks[0], vectors)
    for row, (network, seed) in enumerate(zip(networks, seeds, strict=True)):
        for name, array in network.first_weights(rng=Streams.from_seed(seed).weights).items():
            np.copyto(views[name][row], array)


@dataclass(frozen=True)
class Group:
    """Neighboring rows `start` to `end` whose optimizers differ in the learning rate alone."""

    optimizer: Any
    start: int
    end: int


def kind(training: Training) -> str:
    """What members of one group have in common, as text that can be sorted."""
    return repr(replace(training.optimizer, learning_rate=1.0))


def groups_of(trainings: Sequence[Training]) -> list[Group]:
    """Neighbors of one kind, together."""
    groups = []
    for _, rows in groupby(range(len(trainings)), key=lambda row: kind(trainings[row])):
        row, *others = rows
        optimizer = replace(trainings[row].optimizer, learning_rate=1.0)
        groups.append(Group(optimizer, row, row + 1 + len(others)))
    return groups
