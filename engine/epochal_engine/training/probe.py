"""A probe is a few samples that a network is shown after an epoch, to see what its layers do.

Small networks are probed for many epochs at once: their formulas are computed for all of the
epochs' weights together, see `replicas.py`.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import DTypeLike

from ..model.network import Network, parameter_leaves, parameter_views
from ..symbolic.plan import Plan, perform
from ..symbolic.replicas import replicate
from ..symbolic.trace import Array, Call, Symbol, leaf
from ..walk import compiled, recording

SHARE, FEWEST, MOST = 32, 20, 256
"""The probe shows one in N training samples, at most a maximum, and enough for a minimum of outputs
of every unit: a layer over a sequence has one for each position."""
PROBE_BYTES = 1_000_000
"""Limit of the layers' outputs, over all epochs that are probed at once."""
SATURATED_SLOPE = 0.05
"""An output is saturated where the gradient is below this share of the activation's largest one."""

_REACH = math.sqrt(1.0 - SATURATED_SLOPE)
_FLAT_BEYOND = {
    # y = tanh(x): its gradient is 1 - y².
    "tanh": (-_REACH, _REACH),
    # y = σ(x): its gradient is y·(1 - y), a quarter at most.
    "sigmoid": (0.5 - 0.5 * _REACH, 0.5 + 0.5 * _REACH),
}


class Probe:
    """Samples that are spread evenly over the `inputs` `(n, *input_shape)` of training.

    If `alone`, every epoch gets the bits that it gets alone. Products of more than two axes are
    rounded in another way if they are computed for many epochs together.
    """

    def __init__(
        self, network: Network, inputs: Array, dtype: DTypeLike, *, alone: bool = False
    ) -> None:
        fewest = math.ceil(FEWEST / _positions(network))
        samples = min(len(inputs), max(fewest, min(MOST, len(inputs) // SHARE)))
        chosen = np.linspace(0, len(inputs) - 1, samples).astype(np.int64)
        self._samples = np.ascontiguousarray(inputs[chosen], dtype)
        self._network = network
        traced = _traced(network, samples, self._samples.dtype)
        self._x, self._leaves, self._outputs, self._plan = traced
        size = sum(math.prod(output.shape) for output in self._outputs)
        self._at_once = max(1, PROBE_BYTES // (size * self._samples.itemsize))
        self._alone = alone
        if not alone:
            try:
                replicate(self._outputs, set(self._leaves.values()), 2)
            except ValueError:
                self._alone = True
        self._passes: dict[int, _Pass] = {}

    def look(self, parameters: Array) -> Array:
        """Statistics of the layers for each of the flat `parameters` `(m, size)`: `(m, layers, 4)`
        float64.

        For each layer that learns, together with an activation that follows it: mean and standard
        deviation of its outputs; the share of the outputs of tanh and sigmoid that are saturated;
        and the share of the units of relu that are 0 for all samples. Channels count as units.
        """
        seen = np.zeros((len(parameters), len(self._outputs), 4))
        for start in range(0, len(parameters), self._at_once):
            part = slice(start, start + self._at_once)
            made = self._run(parameters[part])
            for layer, (output, values) in enumerate(zip(self._outputs, made, strict=True)):
                _describe(_kind(output), values, seen[part, layer])
        return seen

    def bound(self, parameters: Array) -> tuple[list[Call], list[recording.Output]]:
        """Return calls that show the samples to the network, and compute the statistics of its
        layers.

        They read the flat `parameters` `(size,)` where they are.
        """
        weights = parameter_views(self._network, parameters)
        results = [np.empty(y.shape, self._samples.dtype) for y in self._outputs]
        given = {self._leaves[name]: array for name, array in weights.items()}
        calls = self._plan.unbound().bind({self._x: self._samples, **given}, results)
        outputs = [
            recording.Output(
                values.reshape(-1, values.shape[-1]),
                *_FLAT_BEYOND.get(_kind(y), (0.0, 0.0)),
                is_relu=_kind(y) == "positive_part",
            )
            for y, values in zip(self._outputs, results, strict=True)
        ]
        return compiled([calls])[0], outputs

    def _run(self, parameters: Array) -> list[Array]:
        """Return the outputs of each layer for the samples, `(m, …, units)`."""
        if not self._alone or len(parameters) == 1:
            return self._pass(len(parameters)).run(parameters)
        alone = self._pass(1)
        rows = [[y.copy() for y in alone.run(row[None])] for row in parameters]
        return [np.concatenate(of_layer) for of_layer in zip(*rows, strict=True)]

    def _pass(self, copies: int) -> _Pass:
        if copies not in self._passes:
            self._passes[copies] = _Pass(
                self._samples, self._x, self._leaves, self._outputs, copies
            )
        return self._passes[copies]


# Jobs that follow each other often have the same network.
@lru_cache(maxsize=64)
def _traced(
    network: Network, samples: int, dtype: DTypeLike
) -> tuple[Symbol, dict[str, Symbol], list[Symbol], Plan]:
    """Return inputs and parameters of a forward pass, what its layers make, and a plan of it."""
    x, leaves = leaf((samples, *network.input_shape)), parameter_leaves(network)
    layers = dict.fromkeys(name.partition(".")[0] for name in network.learned)
    outputs = dict(zip(network.names, network.forward(x, leaves), strict=True))
    for name, layer, inputs in zip(network.names, network.layers, network.inputs, strict=True):
        if layer.type == "activation" and inputs[0] in layers:
            outputs[inputs[0]] = outputs[name]
    made = [outputs[name] for name in layers]
    return x, leaves, made, Plan(made, dtype)


class _Pass:
    """The forward pass with several sets of weights at once."""

    def __init__(
        self,
        samples: Array,
        x: Symbol,
        leaves: dict[str, Symbol],
        outputs: list[Symbol],
        copies: int,
    ) -> None:
        if copies > 1:
            outputs, new = replicate(outputs, set(leaves.values()), copies)
            # The outputs do not depend on frozen layers behind the learning ones.
            unused = {y: leaf((copies, *y.shape)) for y in leaves.values() if y not in new}
            leaves = {name: (new | unused)[old] for name, old in leaves.items()}
        self._weights = {name: np.empty(y.shape, samples.dtype) for name, y in leaves.items()}
        self._results = [np.empty(y.shape, samples.dtype) for y in outputs]
        given = {leaves[name]: array for name, array in self._weights.items()}
        calls = Plan(outputs, samples.dtype).bind({x: samples, **given}, self._results)
        (self._calls,) = compiled([calls])

    def run(self, parameters: Array) -> list[Array]:
        """The outputs of each layer for the samples, `(copies, …, units)`; overwritten by the
        next."""
        end = 0
        for weight in self._weights.values():
            rows = weight.reshape(len(parameters), -1)
            start, end = end, end + rows.shape[1]
            np.copyto(rows, parameters[:, start:end])
        perform(self._calls)
        return [made.reshape(len(parameters), -1, made.shape[-1]) for made in self._results]


def _positions(network: Network) -> int:
    """Return how many outputs each unit has for one sample, at least, in layers that learn."""
    learning = {name.partition(".")[0] for name in network.learned}
    shapes = zip(network.names, network.shapes[1:], strict=True)
    return min(math.prod(shape[:-1]) for name, shape in shapes if name in learning)


def _kind(output: Symbol) -> str:
    """The primitive that an output comes from, seen through changes of its shape."""
    while output.primitive is not None:
        if output.primitive.view is None and output.primitive.name != "copy":
            return output.primitive.name
        output = output.inputs[0]
    return ""


def _describe(kind: str, values: Array, seen: Array) -> None:
    """Fill `seen` `(m, 4)` from the values `(m, samples, units)` of an activation of a kind."""
    low, high = _FLAT_BEYOND.get(kind, (0.0, 0.0))
    is_relu = kind == "positive_part"
    if recording.describe_outputs(values, low, high, is_relu, seen):
        return
    flat = values.reshape(len(values), -1).astype(np.float64)
    size = flat.shape[1]
    mean = flat.sum(1) / size
    squares = np.square(flat).sum(1) / size
    seen[:, 0] = mean
    seen[:, 1] = np.sqrt(np.maximum(squares - np.square(mean), 0.0))
    if kind in _FLAT_BEYOND:
        is_flat = (flat < low) | (flat > high)
        seen[:, 2] = np.count_nonzero(is_flat, axis=1) / size
    elif is_relu:
        # None of them is negative: a unit is dead if their sum is 0, and that is a product.
        sums = np.ones(values.shape[1], values.dtype) @ values
        seen[:, 3] = np.count_nonzero(sums == 0.0, axis=1) / sums.shape[1]
