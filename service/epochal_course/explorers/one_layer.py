"""A single layer: its output for given arrays, by the engine's own formula."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from epochal_engine import Layer
from epochal_engine.model import InitialValues, Scope
from epochal_engine.symbolic import Array, Shape, Symbol, evaluate, leaf


@dataclass(frozen=True, eq=False)
class OneLayer:
    """The formula of a layer for inputs of given shapes."""

    inputs: list[Symbol]
    parameters: dict[str, Symbol]
    """By their names within the layer, e.g. `weight`."""
    first: dict[str, InitialValues]
    output: Symbol

    def initial_parameters(self, rng: np.random.Generator) -> dict[str, Array]:
        """Return initial parameters, drawn in the order in which the layer declares them."""
        return {
            name: self.first[name](symbol.shape, rng) for name, symbol in self.parameters.items()
        }

    def leaves(self, arrays: Sequence[Array], weights: Mapping[str, Array]) -> dict[Symbol, Array]:
        """Return the values of all leaves, as `evaluate` takes them."""
        given = dict(zip(self.inputs, arrays, strict=True))
        return given | {symbol: weights[name] for name, symbol in self.parameters.items()}


def one_layer(layer: Layer, *shapes: Shape) -> OneLayer:
    """Return the formula of the layer for inputs of these shapes, batch axis included.

    Raises `ValueError` for inputs that the layer cannot take.
    """
    parameters: dict[str, Symbol] = {}
    firsts: dict[str, InitialValues] = {}

    def variable(name: str, shape: Shape, first: InitialValues, is_learned: bool) -> Symbol:
        short = name.partition(".")[2]
        firsts[short] = first
        return parameters.setdefault(short, leaf(shape))

    inputs = [leaf(shape) for shape in shapes]
    output = layer.forward(Scope("layer", variable, None, {}), *inputs)
    return OneLayer(inputs, parameters, firsts, output)


def apply_layer(layer: Layer, array: Array, weights: Mapping[str, Array]) -> Array:
    """Return the output of the layer for one array, batch axis included."""
    network = one_layer(layer, array.shape)
    return evaluate([network.output], network.leaves([array], weights))[0]
