"""A prediction is the forward pass alone: no dropout, no gradient, no state left behind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from itertools import chain

import numpy as np
from numpy.typing import DTypeLike

from ..symbolic.plan import Plan, perform
from ..symbolic.trace import Array, Call, Symbol, leaf
from .network import Network, parameter_leaves

SAMPLES_AT_ONCE = 1_024
"""Samples in one pass, at most: enough to keep NumPy busy, few enough to stay in the cache."""
FEW_NUMBERS = 4_096
"""Parameters and intermediate results of a prediction that has a bound plan of its own."""
ELEMENTS_AT_ONCE = 4_194_304
"""Elements of the largest array of a pass, about: large networks are given fewer samples."""


def predict(
    network: Network, weights: Mapping[str, Array], inputs: Array, layer: str | None = None
) -> Array:
    """The network's outputs, `(n, *output_shape)`, for inputs `(n, *input_shape)`.

    With `layer`, what the layer of that name puts out on the way, `(n, *its shape)`. `weights` are
    named as in `Network.parameters`; other names are ignored. Computed in the weights' type. Raises
    ValueError if a weight is missing, a shape does not fit, or there is no such layer.
    """
    if layer is not None and layer not in network.names:
        raise ValueError(f"there is no layer named {layer!r}")
    index = len(network.layers) - 1 if layer is None else network.names.index(layer)
    parameters = checked_parameters(network, weights)
    dtype = next(iter(parameters.values())).dtype
    inputs = np.ascontiguousarray(inputs, dtype)
    if inputs.shape[1:] != network.input_shape:
        raise ValueError(f"inputs need the shape (n, *{network.input_shape}), not {inputs.shape}")
    if 0 < len(inputs) * network.largest_array + network.size <= FEW_NUMBERS:
        return _predict_few(network, parameters, inputs, index)
    outputs = np.empty((len(inputs), *network.shapes[index + 1]), dtype)
    with np.errstate(all="ignore"):
        for calls in forward_passes(network, parameters, inputs, outputs, layer=index):
            perform(calls)
    return outputs


def _predict_few(
    network: Network, parameters: Mapping[str, Array], inputs: Array, layer: int
) -> Array:
    """The outputs of a layer, computed where copies of the parameters and inputs are at hand: to
    copy a few numbers takes less time than to bind a plan to where they are."""
    idle = _idle_passes(network, len(inputs), layer, inputs.dtype)
    try:
        ready = idle.pop()
    except IndexError:
        ready = _Pass(network, len(inputs), layer, inputs.dtype)
    np.copyto(ready.inputs, inputs)
    for name, array in ready.parameters:
        np.copyto(array, parameters[name])
    with np.errstate(all="ignore"):
        perform(ready.calls)
    outputs = ready.outputs.copy()
    idle.append(ready)
    return outputs


class _Pass:
    """A pass over a few samples, bound to arrays that nobody else has."""

    def __init__(self, network: Network, samples: int, layer: int, dtype: DTypeLike) -> None:
        parameters = {name: np.empty(shape, dtype) for name, shape in network.parameters.items()}
        self.parameters = [*parameters.items()]
        self.inputs = np.empty((samples, *network.input_shape), dtype)
        self.outputs = np.empty((samples, *network.shapes[layer + 1]), dtype)
        passes = forward_passes(network, parameters, self.inputs, self.outputs, layer=layer)
        self.calls: list[Call] = [*chain(*passes)]


@lru_cache(maxsize=64)
def _idle_passes(network: Network, samples: int, layer: int, dtype: DTypeLike) -> list[_Pass]:
    """The passes that no thread is using: there are as many as were ever in use at once."""
    return []


def checked_parameters(network: Network, weights: Mapping[str, Array]) -> dict[str, Array]:
    """Return the weights that the network has, by name, all of one type of at least float32.

    Raises ValueError if a weight is missing or its shape does not fit.
    """
    dtype = np.result_type(*(weights[name] for name in network.parameters if name in weights), "f4")
    parameters = {}
    for name, shape in network.parameters.items():
        if name not in weights:
            raise ValueError(f"there is no weight named {name}")
        parameters[name] = np.ascontiguousarray(weights[name], dtype)
        if parameters[name].shape != shape:
            raise ValueError(f"{name} needs the shape {shape}, not {parameters[name].shape}")
    return parameters


def itself(output: Symbol) -> Symbol:
    """Return the output of a network as what is read from it."""
    return output


# Jobs that follow each other often have the same network.
@lru_cache(maxsize=64)
def _traced(
    network: Network,
    samples: int,
    read: Callable[[Symbol], Symbol],
    layer: int,
    dtype: DTypeLike,
) -> tuple[Plan, Symbol, dict[str, Symbol]]:
    x, leaves = leaf((samples, *network.input_shape)), parameter_leaves(network)
    return Plan([read(network.forward(x, leaves)[layer])], dtype), x, leaves


def forward_passes(
    network: Network,
    parameters: Mapping[str, Array],
    inputs: Array,
    results: Array,
    read: Callable[[Symbol], Symbol] = itself,
    layer: int = -1,
) -> list[list[Call]]:
    """The calls that fill `results` from `inputs`, in passes over a limited number of samples.

    `results` are the outputs of the network, or of the layer at that place, or the intermediate
    results that `read` finds.
    """
    passes = []
    compiled: dict[int, tuple[Plan, Symbol, dict[str, Symbol]]] = {}
    at_once = max(1, min(SAMPLES_AT_ONCE, ELEMENTS_AT_ONCE // network.largest_array))
    for start in range(0, len(inputs), at_once):
        part = slice(start, start + at_once)
        samples = len(inputs[part])
        if samples not in compiled:
            plan, x, leaves = _traced(network, samples, read, layer, inputs.dtype)
            compiled[samples] = plan.unbound(), x, leaves
        plan, x, leaves = compiled[samples]
        given = {leaves[name]: array for name, array in parameters.items()}
        passes.append(plan.bind({x: inputs[part], **given}, [results[part]]))
    return passes
