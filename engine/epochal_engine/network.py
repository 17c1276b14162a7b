"""A network is layers whose shapes fit, and how they are connected: it holds no weights."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from .activations import ACTIVATIONS
from .layers import Dense, Layer, Noise, Scope
from .layers.layer import InitialValues
from .layers.structure import position_names
from .trace import Array, Shape, Symbol, leaf

INPUT = "input"
"""The name of the network's own input."""


class ShapeError(ValueError):
    """A layer gets an input of a shape that it cannot take."""

    def __init__(self, layer: int, name: str, got: Shape | list[Shape], needed: str) -> None:
        self.layer = layer
        """The position of the layer, counted from 0."""
        self.name = name
        self.got = got
        """The shape of its input, or a list of them for a layer of several inputs."""
        self.needed = needed
        if isinstance(got, list):
            gets = f"inputs of shapes {' and '.join(map(str, got))}"
        else:
            gets = f"an input of shape {got}"
        super().__init__(f"layer {name} gets {gets} but needs {needed}")


@dataclass(frozen=True)
class _Variable:
    """An array of the network, as its layer asked for it."""

    shape: Shape
    initial: InitialValues
    is_learnt: bool


@dataclass(frozen=True)
class _Description:
    """What one pass of one sample tells."""

    shapes: tuple[Shape, ...]
    variables: dict[str, _Variable]
    flops: tuple[int, ...]
    largest: int
    has_noise: bool


@dataclass(frozen=True)
class Network:
    """Layers, each of which takes the output of the one before it, or those that it names.

    `input_shape` is that of one sample. Layers are named by type and position, counted from 1 over
    all layers: dense_1, dropout_2, dense_3; or as they say themselves. Raises ShapeError where
    layers do not fit, and ValueError for a network without parameters, with a softmax before its
    end, or with a layer whose output nobody takes.
    """

    input_shape: Shape
    layers: tuple[Layer, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "input_shape", tuple(self.input_shape))
        object.__setattr__(self, "layers", tuple(self.layers))
        if not self.input_shape or min(self.input_shape) < 1:
            raise ValueError("input_shape needs at least one axis, and no axis may be empty")
        self._check_names()
        for name, layer in list(zip(self.names, self.layers, strict=True))[:-1]:
            activation = getattr(layer, "activation", "linear")
            if not ACTIVATIONS[activation].is_elementwise:
                raise ValueError(f"{name}: {activation} is for the last layer only")
        if not any(variable.is_learnt for variable in self._description.variables.values()):
            raise ValueError("a network needs a layer that learns")

    def _check_names(self) -> None:
        known = {INPUT}
        taken: set[str] = set()
        for name, layer, inputs in zip(self.names, self.layers, self.inputs, strict=True):
            if name in known or not name or "." in name:
                raise ValueError(f"a layer needs a name of its own, without dots: {name!r}")
            for other in inputs:
                if other not in known:
                    raise ValueError(f"{name}: there is no layer named {other!r} before it")
            fewest, most = layer.inputs
            if not fewest <= len(inputs) <= most:
                takes = f"{fewest}" if fewest == most else f"{fewest} to {most}"
                raise ValueError(f"{name} takes {takes} inputs, not {len(inputs)}")
            known.add(name)
            taken.update(inputs)
        for name in self.names[:-1]:
            if name not in taken:
                raise ValueError(f"{name}: no layer takes its output")

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The layers' names."""
        return position_names(self.layers)

    @cached_property
    def inputs(self) -> tuple[tuple[str, ...], ...]:
        """For each layer the names of those whose outputs it takes, "input" for the network's."""
        return tuple(
            (before,)
            if layer.input is None
            else (layer.input,)
            if isinstance(layer.input, str)
            else tuple(layer.input)
            for before, layer in zip((INPUT, *self.names), self.layers, strict=False)
        )

    @cached_property
    def _description(self) -> _Description:
        x = leaf((1, *self.input_shape))
        variables: dict[str, _Variable] = {}
        noises: list[float] = []
        leaves: set[Symbol] = set()

        def variable(name: str, shape: Shape, initial: InitialValues, is_learnt: bool) -> Symbol:
            variables[name] = _Variable(shape, initial, is_learnt)
            leaves.add(parameter := leaf(shape))
            return parameter

        def noise(shape: Shape, rate: float) -> Symbol:
            noises.append(rate)
            return leaf(shape)

        outputs: dict[str, Symbol] = {INPUT: x}
        known = {x}
        flops = []
        for index, (name, layer) in enumerate(zip(self.names, self.layers, strict=True)):
            inputs = [outputs[other] for other in self.inputs[index]]
            try:
                outputs[name] = layer.forward(Scope(name, variable, noise, {}), *inputs)
            except ValueError as error:
                got = [taken.shape[1:] for taken in inputs]
                shapes = got[0] if len(got) == 1 else got
                raise ShapeError(index, name, shapes, str(error)) from None
            flops.append(_flops(outputs[name], known))
        return _Description(
            shapes=tuple(y.shape[1:] for y in outputs.values()),
            variables=variables,
            flops=tuple(flops),
            largest=max(math.prod(y.shape) for y in known - leaves),
            has_noise=len(noises) > 0,
        )

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """The shape of one sample as it comes in, and as it leaves each layer."""
        return self._description.shapes

    @property
    def output_shape(self) -> Shape:
        """The shape of one prediction."""
        return self.shapes[-1]

    @cached_property
    def parameters(self) -> dict[str, Shape]:
        """The shape of every array that a run keeps, as in dense_1.weight.

        Those that are learnt, in forward order, and then those that are not, see `running`.
        """
        variables = self._description.variables
        ordered = sorted(variables, key=lambda name: not variables[name].is_learnt)
        return {name: variables[name].shape for name in ordered}

    @cached_property
    def running(self) -> frozenset[str]:
        """Those of the parameters that are kept but not learnt, as the means of a batch_norm."""
        variables = self._description.variables
        return frozenset(name for name, variable in variables.items() if not variable.is_learnt)

    @cached_property
    def affine(self) -> frozenset[str]:
        """The dense layers that add a bias to what they make of vectors."""
        shapes = dict(zip((INPUT, *self.names), self.shapes, strict=True))
        return frozenset(
            name
            for name, layer, inputs in zip(self.names, self.layers, self.inputs, strict=True)
            if isinstance(layer, Dense) and layer.use_bias and len(shapes[inputs[0]]) == 1
        )

    @property
    def learnt_size(self) -> int:
        """How many numbers are learnt: so many come first in a flat vector of the parameters."""
        return sum(math.prod(v.shape) for v in self._description.variables.values() if v.is_learnt)

    @property
    def layer_flops(self) -> tuple[int, ...]:
        """Of each layer, the multiplications and additions of one sample's way forward.

        Those of products of matrices, and of convolutions: what is done to single elements, and
        the biases, are left out, as is usual.
        """
        return self._description.flops

    @property
    def flops(self) -> int:
        """Of all layers."""
        return sum(self.layer_flops)

    @property
    def largest_array(self) -> int:
        """Elements of the largest array that one sample becomes on its way forward."""
        return self._description.largest

    @property
    def has_noise(self) -> bool:
        """Whether something is dropped at random in training."""
        return self._description.has_noise

    def first_weights(self, *, rng: np.random.Generator) -> dict[str, Array]:
        """Fresh parameters by name, as float64, drawn in forward order."""
        variables = self._description.variables
        return {name: variable.initial(variable.shape, rng) for name, variable in variables.items()}

    def forward(
        self,
        x: Symbol,
        parameters: Mapping[str, Symbol],
        noise: Noise | None = None,
        updates: dict[str, Symbol] | None = None,
    ) -> list[Symbol]:
        """The output of every layer, each of shape `(n, *shape)`; the last is the prediction.

        With `noise` it is a pass of training; `updates` then takes up the values that the running
        arrays have after it, by name.
        """
        updates = {} if updates is None else updates

        def variable(name: str, shape: Shape, initial: InitialValues, is_learnt: bool) -> Symbol:
            return parameters[name]

        outputs: dict[str, Symbol] = {INPUT: x}
        for name, layer, inputs in zip(self.names, self.layers, self.inputs, strict=True):
            scope = Scope(name, variable, noise, updates)
            outputs[name] = layer.forward(scope, *(outputs[other] for other in inputs))
        return [outputs[name] for name in self.names]


def _flops(y: Symbol, known: set[Symbol]) -> int:
    """The operations that lead from what is known to y, which is then known as well."""
    flops, pending = 0, [y]
    while pending:
        symbol = pending.pop()
        if symbol not in known:
            known.add(symbol)
            pending.extend(symbol.inputs)
            flops += 0 if symbol.primitive is None else symbol.primitive.flops(symbol)
    return flops


def parameter_leaves(network: Network) -> dict[str, Symbol]:
    """A leaf for every parameter of the network."""
    return {name: leaf(shape) for name, shape in network.parameters.items()}


def joined_leaves(network: Network) -> tuple[list[Symbol], dict[str, Symbol]]:
    """Leaves that lie one after the other in a flat vector, and the parameters by name, in these.

    The weights of an affine layer and its bias, which lies behind them, are one leaf: a matrix with
    the bias for its last row. All others are leaves themselves.
    """
    leaves: list[Symbol] = []
    parameters: dict[str, Symbol] = {}
    for name, shape in network.parameters.items():
        layer, _, part = name.partition(".")
        if layer in network.affine and part == "bias":
            rows, units = parameters[f"{layer}.weight"].shape
            leaves[-1] = whole = leaf((rows + 1, units))
            parameters[f"{layer}.weight"] = whole.cut(0, 0, rows)
            parameters[name] = whole.cut(0, rows, rows + 1).reshape(shape)
        else:
            parameters[name] = leaf(shape)
            leaves.append(parameters[name])
    return leaves, parameters


def parameter_views(network: Network, vectors: Array) -> dict[str, Array]:
    """The parameters by name, each `(…, *shape)`, as views of flat vectors `(…, size)`."""
    views = in_turn(network.parameters.values(), vectors)
    return dict(zip(network.parameters, views, strict=True))


def in_turn(shapes: Iterable[Shape], vectors: Array) -> list[Array]:
    """Views of the flat vectors `(…, size)`: one part after the other, each `(…, *shape)`."""
    shapes = list(shapes)
    bounds = np.cumsum([0, *(math.prod(shape) for shape in shapes)])
    return [
        # Splitting an axis of a view needs no copy, and a view is what is asked for.
        np.reshape(vectors[..., start:end], (*vectors.shape[:-1], *shape), copy=False)
        for shape, (start, end) in zip(shapes, pairwise(bounds), strict=True)
    ]
