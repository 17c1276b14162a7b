"""A network is a list of layers with matching shapes and their connections. It holds no weights."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

import numpy as np

from ..symbolic.trace import Array, Shape, Symbol, leaf
from .activations import ACTIVATIONS
from .layers import Dense, Layer, Noise, Scope
from .layers.layer import InitialValues, Step
from .layers.structure import position_names

INPUT = "input"
"""The name of the network's input."""


class ShapeError(ValueError):
    """A layer cannot take the shape of its input."""

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
    """An array that a layer requested."""

    shape: Shape
    initial: InitialValues
    is_learned: bool


@dataclass(frozen=True)
class _Description:
    """The intermediate results of a forward pass of one sample."""

    shapes: tuple[Shape, ...]
    variables: dict[str, _Variable]
    flops: tuple[int, ...]
    largest: int
    has_noise: bool


@dataclass(frozen=True)
class Network:
    """Layers, each with the previous layer's output as its input, or the outputs that it names.

    `input_shape` is the shape of one sample. Layers without a name are named by type and
    position, counted from 1: dense_1, dropout_2, dense_3. Raises ShapeError where
    layers do not fit, and ValueError for a network without parameters that are learned, with a
    softmax before its end, with a layer output that no layer takes, or with an unknown name in
    `frozen`.
    """

    input_shape: Shape
    layers: tuple[Layer, ...]
    frozen: tuple[str, ...] = ()
    """The names of the layers with arrays that training does not change."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "input_shape", tuple(self.input_shape))
        object.__setattr__(self, "layers", tuple(self.layers))
        if not self.input_shape or min(self.input_shape) < 1:
            raise ValueError("input_shape needs at least one axis, and no axis may be empty")
        self._check_names()
        for name in self.frozen:
            if name not in self.names:
                raise ValueError(f"frozen: there is no layer named {name!r}")
        object.__setattr__(self, "frozen", tuple(n for n in self.names if n in self.frozen))
        for name, layer in list(zip(self.names, self.layers, strict=True))[:-1]:
            activation = getattr(layer, "activation", "linear")
            if not ACTIVATIONS[activation].is_elementwise:
                raise ValueError(f"{name}: {activation} is for the last layer only")
        if not any(variable.is_learned for variable in self._description.variables.values()):
            raise ValueError("a network needs a layer with parameters")
        if not self.learned:
            raise ValueError("a network needs a layer with parameters that is not frozen")

    def _check_names(self) -> None:
        known = {INPUT}
        taken: set[str] = set()
        for name, layer, inputs in zip(self.names, self.layers, self.inputs, strict=True):
            if name in known or not name or "." in name:
                raise ValueError(f"a layer needs a unique name without dots; got {name!r}")
            for other in inputs:
                if other not in known:
                    raise ValueError(f"{name}: there is no earlier layer named {other!r}")
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
        """For each layer the names of the layers that it reads; "input" is the network's input."""
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

        def variable(name: str, shape: Shape, initial: InitialValues, is_learned: bool) -> Symbol:
            variables[name] = _Variable(shape, initial, is_learned)
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
        """The shapes of one input sample and of the output of each layer."""
        return self._description.shapes

    @property
    def output_shape(self) -> Shape:
        """The shape of one prediction."""
        return self.shapes[-1]

    @cached_property
    def parameters(self) -> dict[str, Shape]:
        """The shape of every array of a run, as in dense_1.weight.

        Learned arrays come first, in forward order, then running ones, see `running`, then the
        arrays of frozen layers.
        """
        variables = self._description.variables

        def place(name: str) -> int:
            return 2 if self.is_frozen(name) else not variables[name].is_learned

        return {name: variables[name].shape for name in sorted(variables, key=place)}

    def is_frozen(self, parameter: str) -> bool:
        """Return whether a parameter belongs to a frozen layer."""
        return parameter.partition(".")[0] in self.frozen

    @cached_property
    def learned(self) -> tuple[str, ...]:
        """The parameters that are learned, in forward order."""
        return tuple(
            name
            for name, variable in self._description.variables.items()
            if variable.is_learned and not self.is_frozen(name)
        )

    @cached_property
    def changing(self) -> dict[str, Shape]:
        """The shapes of the parameters that training changes: all except frozen layers."""
        return {n: shape for n, shape in self.parameters.items() if not self.is_frozen(n)}

    @cached_property
    def running(self) -> frozenset[str]:
        """The parameters that are not learned, such as the means of a batch_norm; they are updated
        unless their layer is frozen.
        """
        variables = self._description.variables
        return frozenset(name for name, variable in variables.items() if not variable.is_learned)

    @cached_property
    def affine(self) -> frozenset[str]:
        """The dense layers with a bias that take vectors."""
        shapes = dict(zip((INPUT, *self.names), self.shapes, strict=True))
        return frozenset(
            name
            for name, layer, inputs in zip(self.names, self.layers, self.inputs, strict=True)
            if isinstance(layer, Dense) and layer.use_bias and len(shapes[inputs[0]]) == 1
        )

    @property
    def size(self) -> int:
        """The number of all parameters, learned or not."""
        return sum(math.prod(shape) for shape in self.parameters.values())

    @cached_property
    def weights_size(self) -> int:
        """The number of parameters that are weights: all but those of `running`."""
        shapes = self.parameters.items()
        return sum(math.prod(shape) for name, shape in shapes if name not in self.running)

    @property
    def learned_size(self) -> int:
        """The number of learned parameters, which come first in a flat vector of all."""
        return sum(math.prod(self.parameters[name]) for name in self.learned)

    @property
    def changing_size(self) -> int:
        """The number of parameters that training changes, which come first in a flat vector."""
        return sum(map(math.prod, self.changing.values()))

    @property
    def layer_flops(self) -> tuple[int, ...]:
        """Multiplications and additions of each layer in the forward pass of one sample.

        As usual, only matrix products and convolutions count, not element-wise operations and
        biases.
        """
        return self._description.flops

    @property
    def flops(self) -> int:
        """Multiplications and additions of all layers in the forward pass of one sample."""
        return sum(self.layer_flops)

    @property
    def largest_array(self) -> int:
        """Elements of the largest array in the forward pass of one sample."""
        return self._description.largest

    @property
    def has_noise(self) -> bool:
        """Whether training draws dropout masks."""
        return self._description.has_noise

    def initial_parameters(self, *, rng: np.random.Generator) -> dict[str, Array]:
        """Return initial parameters by name, as float64, drawn in forward order."""
        variables = self._description.variables
        return {name: variable.initial(variable.shape, rng) for name, variable in variables.items()}

    def forward(
        self,
        x: Symbol,
        parameters: Mapping[str, Symbol],
        noise: Noise | None = None,
        updates: dict[str, Symbol] | None = None,
        step: Step | None = None,
        observed: dict[str, Symbol] | None = None,
    ) -> list[Symbol]:
        """Return the output of every layer, each `(n, *shape)`; the last is the prediction.

        With `noise` it is a training pass, which stores the new values of the running arrays in
        `updates`, by name; frozen layers use their current values. With a `step`, x and the outputs
        belong to one position. `observed` receives the weights of each attention, by the path of
        its layer.
        """
        updates = {} if updates is None else updates
        is_training = noise is not None

        def variable(name: str, shape: Shape, initial: InitialValues, is_learned: bool) -> Symbol:
            return parameters[name]

        outputs: dict[str, Symbol] = {INPUT: x}
        for name, layer, inputs in zip(self.names, self.layers, self.inputs, strict=True):
            updated = updates if is_training and name not in self.frozen else None
            scope = Scope(name, variable, noise, updated, step, observed)
            outputs[name] = layer.forward(scope, *(outputs[other] for other in inputs))
        return [outputs[name] for name in self.names]


def _flops(y: Symbol, known: set[Symbol]) -> int:
    """Return the operations that lead from the known symbols to y, and add y to these."""
    flops, pending = 0, [y]
    while pending:
        symbol = pending.pop()
        if symbol not in known:
            known.add(symbol)
            pending.extend(symbol.inputs)
            flops += 0 if symbol.primitive is None else symbol.primitive.flops(symbol)
    return flops


def parameter_leaves(network: Network) -> dict[str, Symbol]:
    """Return a leaf for every parameter of the network."""
    return {name: leaf(shape) for name, shape in network.parameters.items()}


def merged_leaves(network: Network) -> tuple[list[Symbol], dict[str, Symbol]]:
    """Return leaves in the order of a flat vector, and the parameters by name in terms of these.

    The weights of an affine layer and its bias, which follows them in memory, are one leaf: a
    matrix with the bias as its last row. Each other parameter is a leaf.
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


def learned_leaves(network: Network, leaves: Sequence[Symbol]) -> list[Symbol]:
    """Return the learned leaves, which come first in `merged_leaves`."""
    ends = accumulate(math.prod(leaf.shape) for leaf in leaves)
    return [leaf for leaf, end in zip(leaves, ends, strict=True) if end <= network.learned_size]


def parameter_views(network: Network, vectors: Array) -> dict[str, Array]:
    """Return the parameters by name, each `(…, *shape)`, as views of flat vectors `(…, size)`.

    Vectors that end before the frozen layers, `(…, changing_size)`, have no views of these.
    """
    views = in_turn(network.parameters.values(), vectors)
    return dict(zip(network.parameters, views, strict=False))


def in_turn(shapes: Iterable[Shape], vectors: Array) -> list[Array]:
    """Return views of consecutive parts of flat vectors `(…, size)`, each `(…, *shape)`, for the
    leading shapes that the vectors have elements for.
    """
    *axes, elements = vectors.shape
    views, end = [], 0
    for shape in shapes:
        start, end = end, end + math.prod(shape)
        if end > elements:
            break
        # Splitting an axis of a view needs no copy; copy=False raises an error if it would.
        views.append(vectors[..., start:end].reshape((*axes, *shape), copy=False))
    return views
