"""The weights that a job starts from: another job's, of all layers or of some."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from epochal_engine import Network
from epochal_engine.training import new_parameters

from ..errors import FieldError, InvalidArgument
from ..specs.build import network_of
from ..specs.training import TrainingSpec
from .resize import resized

Arrays = Mapping[str, NDArray[Any]]
"""Arrays by name, in the order of their network."""


def initial_weights(spec: TrainingSpec, source: Network, arrays: Arrays) -> Arrays:
    """Return the weights that a job starts from, given the weights of another job with the
    network `source`, in the type of the job.

    With `initial_weights.resize`, see `resize`.

    Without `initial_weights.layers` they are all matched in forward order, else these layers by
    name, and the others are drawn from the job's seed. Raises `InvalidArgument` that names each
    layer that does not fit, and each array of another shape, with both shapes.
    """
    start = spec.initial_weights
    assert start is not None
    network = network_of(spec)
    if start.resize:
        if start.layers is not None:
            text = "must be absent with resize, which takes what fits of all layers"
            raise InvalidArgument.of(FieldError("initial_weights.layers", text))
        weights: Arrays = resized(network, source, arrays, new_parameters(network, spec.seed))
    elif start.layers is None:
        weights = _matched(network, arrays, start.job)
    else:
        drawn = new_parameters(network, spec.seed)
        weights = {**drawn, **_of_layers(network, source, arrays, start.job, start.layers)}
    return {name: array.astype(spec.dtype) for name, array in weights.items()}


def _matched(network: Network, arrays: Arrays, job: str) -> Arrays:
    """Return the other job's arrays under this network's names, matched in forward order."""
    parameters, others = list(network.parameters.items()), list(arrays.items())
    errors = [
        f"needs the shapes of this network: {_array_text(name)} has {list(shape)}, and "
        f"{_array_text(other)} of {job} has {list(array.shape)}"
        for (name, shape), (other, array) in zip(parameters, others, strict=False)
        if shape != array.shape
    ]
    errors += [
        f"needs all weights of this network: {job} has none for {_array_text(name)}, {list(shape)}"
        for name, shape in parameters[len(others) :]
    ]
    errors += [
        f"must have no more weights than this network: {job} also has {_array_text(name)}, "
        f"{list(array.shape)}"
        for name, array in others[len(parameters) :]
    ]
    if errors:
        raise InvalidArgument.of(*(FieldError("initial_weights.job", text) for text in errors))
    return {name: array for (name, _), (_, array) in zip(parameters, others, strict=True)}


def _of_layers(
    network: Network, source: Network, arrays: Arrays, job: str, layers: Sequence[str]
) -> Arrays:
    """Return the arrays of the layers that are taken from the other job."""
    errors: list[FieldError] = []
    taken: dict[str, NDArray[Any]] = {}
    for index, layer in enumerate(layers):
        problems = list(_misfits(layer, network, source, job))
        errors += [FieldError(f"initial_weights.layers[{index}]", text) for text in problems]
        if not problems:
            taken |= {name: arrays[name] for name in arrays if _layer_of(name) == layer}
    if errors:
        raise InvalidArgument.of(*errors)
    return taken


def _misfits(layer: str, network: Network, source: Network, job: str) -> Iterator[str]:
    """Yield why the layer cannot be taken."""
    for names, owner in ((network.names, "this network"), (source.names, job)):
        if layer not in names:
            yield f"must be a layer of {owner}: there is no {layer}, only {', '.join(names)}"
            return
    mine, theirs = (
        {name: shape for name, shape in n.parameters.items() if _layer_of(name) == layer}
        for n in (network, source)
    )
    if not mine and not theirs:
        yield f"must be a layer with weights: {layer} has none"
    for name in {**mine, **theirs}:
        here, there = (str(list(of[name])) if name in of else "none" for of in (mine, theirs))
        if here != there:
            yield (
                f"needs the shapes of this network: {_array_text(name)} has {here}, and that of "
                f"{job} {there}"
            )


def _layer_of(parameter: str) -> str:
    return parameter.partition(".")[0]


def _array_text(parameter: str) -> str:
    """Return `the weight of dense_1` for dense_1.weight."""
    layer, _, name = parameter.rpartition(".")
    return f"the {name} of {layer}"
