"""A network is a list of layers whose shapes fit, and nothing else: it holds no weights."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from .activations import ACTIVATIONS
from .layers import Dense, Layer, Noise
from .trace import Array, Shape, Symbol, leaf


class ShapeError(ValueError):
    """A layer gets an input of a shape that it cannot take."""

    def __init__(self, layer: int, name: str, got: Shape, needed: str) -> None:
        self.layer = layer
        """The position of the layer, counted from 0."""
        self.name = name
        self.got = got
        self.needed = needed
        super().__init__(f"layer {name} gets an input of shape {got} but needs {needed}")


@dataclass(frozen=True)
class Network:
    """Layers, each of which takes the output of the one before it.

    `input_shape` is that of one sample. Layers are named by type and position, counted from 1 over
    all layers: dense_1, dropout_2, dense_3. Raises ShapeError where two layers do not fit, and
    ValueError for a network without parameters or with a softmax before its end.
    """

    input_shape: Shape
    layers: tuple[Layer, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "input_shape", tuple(self.input_shape))
        object.__setattr__(self, "layers", tuple(self.layers))
        if not self.input_shape or min(self.input_shape) < 1:
            raise ValueError("input_shape needs at least one axis, and no axis may be empty")
        if not self.parameters:
            raise ValueError("a network needs a layer that learns")
        for name, layer in list(zip(self.names, self.layers, strict=True))[:-1]:
            if isinstance(layer, Dense) and not ACTIVATIONS[layer.activation].is_elementwise:
                raise ValueError(f"{name}: {layer.activation} is for the last layer only")

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The layers' names."""
        return tuple(f"{layer.type}_{i}" for i, layer in enumerate(self.layers, 1))

    @cached_property
    def shapes(self) -> tuple[Shape, ...]:
        """The shape of one sample before each layer, and after the last."""
        shapes = [self.input_shape]
        for index, layer in enumerate(self.layers):
            try:
                shapes.append(layer.output_shape(shapes[-1]))
            except ValueError as error:
                name = self.names[index]
                raise ShapeError(index, name, shapes[-1], str(error)) from None
        return tuple(shapes)

    @property
    def output_shape(self) -> Shape:
        """The shape of one prediction."""
        return self.shapes[-1]

    @cached_property
    def parameters(self) -> dict[str, Shape]:
        """The shape of every parameter by its name, as in dense_1.weight, in forward order."""
        return {
            f"{name}.{parameter}": shape
            for name, layer, input_shape in zip(self.names, self.layers, self.shapes, strict=False)
            for parameter, shape in layer.parameters(input_shape).items()
        }

    def first_weights(self, *, rng: np.random.Generator) -> dict[str, Array]:
        """Fresh parameters by name, as float64, drawn in forward order."""
        return {
            f"{name}.{parameter}": values
            for name, layer, input_shape in zip(self.names, self.layers, self.shapes, strict=False)
            for parameter, values in layer.first_values(input_shape, rng=rng).items()
        }

    def forward(
        self, x: Symbol, parameters: Mapping[str, Symbol], noise: Noise | None = None
    ) -> list[Symbol]:
        """The output of every layer, each of shape `(n, *shape)`; the last is the prediction."""
        outputs = []
        for name, layer in zip(self.names, self.layers, strict=True):
            own = {
                parameter.removeprefix(f"{name}."): symbol
                for parameter, symbol in parameters.items()
                if parameter.startswith(f"{name}.")
            }
            x = layer.forward(x, own, noise)
            outputs.append(x)
        return outputs


def parameter_leaves(network: Network) -> dict[str, Symbol]:
    """A leaf for every parameter of the network."""
    return {name: leaf(shape) for name, shape in network.parameters.items()}


def parameter_views(network: Network, vector: Array) -> dict[str, Array]:
    """The parameters by name, as views of one flat vector, in forward order."""
    sizes = [math.prod(shape) for shape in network.parameters.values()]
    bounds = np.cumsum([0, *sizes])
    return {
        name: vector[start:end].reshape(shape)
        for (name, shape), (start, end) in zip(
            network.parameters.items(), pairwise(bounds), strict=True
        )
    }
