"""Weights for a network of another shape: a job continues with more or fewer units and layers.

Layers of both networks are matched in order, the last with the last. The arrays of a matched layer
of the same shapes are copied. Dense layers fit others, too (Net2Net, Chen et al. 2016):

    more units     the weights of a new unit are drawn; layers that read it start with weights of 0,
                   so that the outputs stay the same
    fewer units    units with the smallest product of the norms of incoming and outgoing weights go
    a new layer    starts as the identity: outputs stay the same if its activation changes none of
                   its inputs, as linear does, and relu after relu
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from epochal_engine import Dense, Network
from epochal_engine.model import INPUT

Array = NDArray[Any]
Arrays = Mapping[str, Array]

NEW = -1
"""The index of a unit that the source does not have."""


@dataclass(frozen=True)
class _Units:
    """The units that a layer reads or has: the layer of the source that has them, and their
    indices in it, or `NEW`.
    """

    source: str
    indices: list[int]


def resized(network: Network, source: Network, arrays: Arrays, drawn: Arrays) -> dict[str, Array]:
    """Return weights for `network` that keep what fits of the `arrays` of `source`; others are the
    `drawn` weights, which are new.
    """
    weights = {name: array.copy() for name, array in drawn.items()}
    inputs = min(source.input_shape[-1], network.input_shape[-1])
    more = network.input_shape[-1] - inputs
    units: dict[str, _Units | None] = {INPUT: _Units(INPUT, [*range(inputs), *[NEW] * more])}
    if len(source.input_shape) != len(network.input_shape):
        units[INPUT] = None
    before = dict(zip((INPUT, *network.names), network.shapes, strict=True))
    former = dict(zip(source.names, source.inputs, strict=True))
    matches = _matches(network, source)
    for index, (name, layer, reads) in enumerate(
        zip(network.names, network.layers, network.inputs, strict=True)
    ):
        match = matches.get(name)
        read = units[reads[0]] if len(reads) == 1 else None
        mine = _of(name, weights)
        theirs = {} if match is None else _of(match, arrays)
        shapes = network.shapes[index + 1]
        is_same = {n: a.shape for n, a in mine.items()} == {n: a.shape for n, a in theirs.items()}
        fits = match is not None and read is not None and read.source == _base(source, match)
        if isinstance(layer, Dense) and read is not None and (fits or match is None):
            if match is None:
                units[name] = _identity(mine, read)
            else:
                is_last = name == network.names[-1]
                chosen = _chosen(mine, theirs, source, arrays, match, is_last=is_last)
                _fill(mine, theirs, read.indices, chosen)
                units[name] = _Units(match, chosen)
        elif not mine and len(reads) == 1 and shapes == before[reads[0]]:
            units[name] = read  # an activation, or dropout
        elif mine and fits and all(a.shape == (shapes[-1],) for a in mine.values()):
            assert read is not None
            assert match is not None
            for n, array in mine.items():
                _copy(array, theirs[n], read.indices)
            units[name] = _Units(match, read.indices)
        elif match is not None and is_same and len(former[match]) == len(reads):
            for n, array in theirs.items():
                mine[n][...] = array
            same_shape = shapes == source.shapes[source.names.index(match) + 1]
            units[name] = _Units(match, [*range(shapes[-1])]) if same_shape else None
        else:
            units[name] = None
    return weights


def _of(layer: str, arrays: Arrays) -> dict[str, Array]:
    """Return the arrays of a layer by their name in it."""
    prefix = f"{layer}."
    return {n.removeprefix(prefix): array for n, array in arrays.items() if n.startswith(prefix)}


def _base(network: Network, layer: str) -> str:
    """Return the layer with the units that a layer reads, before activations and dropout."""
    before = network.inputs[network.names.index(layer)][0]
    while before != INPUT:
        index = network.names.index(before)
        has_arrays = any(name.startswith(f"{before}.") for name in network.parameters)
        reads = network.inputs[index]
        shape = dict(zip((INPUT, *network.names), network.shapes, strict=True))
        if has_arrays or len(reads) > 1 or shape[before] != shape[reads[0]]:
            break
        before = reads[0]
    return before


def _matches(network: Network, source: Network) -> dict[str, str]:
    """Return the layer of the source for layers of the network: pairs in order with the most names,
    types and shapes in common that lose the fewest units, the first of several.
    """
    shapes = [
        {n: {k: a for k, a in of.parameters.items() if k.startswith(f"{n}.")} for n in of.names}
        for of in (network, source)
    ]
    rows, columns = len(network.layers), len(source.layers)
    best = np.zeros((rows + 1, columns + 1))

    def score(i: int, j: int) -> float:
        ours, theirs = network.layers[i], source.layers[j]
        if type(ours) is not type(theirs):
            return 0.0
        mine, other = (
            [*of[net.names[at]].values()]
            for of, net, at in zip(shapes, (network, source), (i, j), strict=True)
        )
        is_named = ours.name is not None and ours.name == theirs.name
        is_last = i == rows - 1 and j == columns - 1
        loses_none = all(m[-1] >= o[-1] for m, o in zip(mine, other, strict=False))
        return 2.0 + loses_none + 0.5 * (mine == other) + 4 * is_named + 10 * is_last

    for i in reversed(range(rows)):
        for j in reversed(range(columns)):
            paired = score(i, j)
            both = paired + best[i + 1, j + 1] if paired else 0.0
            best[i, j] = max(both, best[i + 1, j], best[i, j + 1])
    pairs: dict[str, str] = {}
    i = j = 0
    while i < rows and j < columns:
        paired = score(i, j)
        if paired and best[i, j] == paired + best[i + 1, j + 1]:
            pairs[network.names[i]] = source.names[j]
            i, j = i + 1, j + 1
        elif best[i, j] == best[i + 1, j]:
            i += 1
        else:
            j += 1
    return pairs


def _chosen(
    mine: dict[str, Array],
    theirs: dict[str, Array],
    source: Network,
    arrays: Arrays,
    match: str,
    *,
    is_last: bool,
) -> list[int]:
    """Return the units of the source that a dense layer continues with."""
    count, there = mine["weight"].shape[-1], theirs["weight"].shape[-1]
    if count >= there or is_last:
        return [*range(min(count, there)), *[NEW] * (count - there)]
    importance = np.linalg.norm(np.vstack([*theirs.values()]).astype(np.float64), axis=0)
    for name, layer in zip(source.names, source.layers, strict=True):
        if isinstance(layer, Dense) and _base(source, name) == match:
            importance *= np.linalg.norm(arrays[f"{name}.weight"].astype(np.float64), axis=1)
    return sorted(np.argsort(-importance, kind="stable")[:count].tolist())


def _fill(
    mine: dict[str, Array], theirs: dict[str, Array], read: list[int], chosen: list[int]
) -> None:
    """Fill the arrays of a dense layer, given the units that it reads and has."""
    rows = [index for index, unit in enumerate(read) if unit != NEW]
    for column, unit in enumerate(chosen):
        if unit == NEW:
            continue
        mine["weight"][:, column] = 0.0
        mine["weight"][rows, column] = theirs["weight"][[read[row] for row in rows], unit]
    if "bias" in mine:
        _copy(mine["bias"], theirs.get("bias", np.zeros(theirs["weight"].shape[-1])), chosen)


def _identity(mine: dict[str, Array], read: _Units) -> _Units:
    """Let a new dense layer start as the identity, and return its units."""
    rows, columns = mine["weight"].shape
    shared = min(rows, columns)
    mine["weight"][:, :shared] = np.eye(rows, shared)
    if "bias" in mine:
        mine["bias"][:shared] = 0.0
    return _Units(read.source, [*read.indices[:shared], *[NEW] * (columns - shared)])


def _copy(array: Array, values: Array, indices: list[int]) -> None:
    """Copy the values of the units that the source has."""
    for index, unit in enumerate(indices):
        if unit != NEW:
            array[index] = values[unit]
