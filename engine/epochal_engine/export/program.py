"""A network as lines of a program: one variable for each layer, in the order of the layers.

    dense_1 = tanh(input @ w["dense_1.weight"] + w["dense_1.bias"])
    dense_2 = sigmoid(dense_1 @ w["dense_2.weight"] + w["dense_2.bias"])

Every format writes the same walk over the layers in its own words, from a table with one entry for
each type of layer.
"""

from __future__ import annotations

import base64
import re
import textwrap
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np

from ..layers import Layer
from ..layers.structure import position_names
from ..network import INPUT, Network
from ..trace import Array

Words: TypeAlias = Mapping[str, Callable[[str, Any, list[str]], str]]
"""For each type of layer `words(name, layer, inputs)`: its output as an expression; `name` is that
of its parameters, `inputs` are variables."""

_RESIDUAL = "residual"


def assignments(network: Network, words: Words) -> Iterator[str]:
    """One line for each layer, `variable = expression`; the last variable is the prediction.

    Raises ValueError for a layer that the words lack.
    """
    variables = {INPUT: "x"}
    for name, layer, inputs in zip(network.names, network.layers, network.inputs, strict=True):
        variables[name] = variable = _identifier(name)
        yield from _lines(name, layer, [variables[i] for i in inputs], variable, words)


def _lines(
    name: str, layer: Layer, inputs: list[str], variable: str, words: Words
) -> Iterator[str]:
    if layer.type == _RESIDUAL:
        inner_layers: tuple[Layer, ...] = getattr(layer, "layers")  # noqa: B009
        before = inputs[0]
        for inner, own in zip(position_names(inner_layers), inner_layers, strict=True):
            path = f"{name}.{inner}"
            yield from _lines(path, own, [before], _identifier(path), words)
            before = _identifier(path)
        yield f"{variable} = {inputs[0]} + {before}"
        return
    if layer.type not in words:
        raise ValueError(f"there are no words yet for a layer of type {layer.type}")
    yield f"{variable} = {words[layer.type](name, layer, inputs)}"


def walk(network: Network) -> Iterator[tuple[str, Layer]]:
    """Every layer that is no residual, by the name of its parameters, those within others too."""

    def within(name: str, layer: Layer) -> Iterator[tuple[str, Layer]]:
        if layer.type != _RESIDUAL:
            yield name, layer
            return
        inner_layers: tuple[Layer, ...] = getattr(layer, "layers")  # noqa: B009
        for inner, own in zip(position_names(inner_layers), inner_layers, strict=True):
            yield from within(f"{name}.{inner}", own)

    for name, layer in zip(network.names, network.layers, strict=True):
        yield from within(name, layer)


def output_of(network: Network) -> str:
    """The variable that holds the prediction."""
    return _identifier(network.names[-1])


def _identifier(name: str) -> str:
    """The name as a variable; `x`, `w` and Python's own words are never one, since an underscore
    follows what has none.
    """
    text = re.sub(r"\W", "_", name)
    return text if "_" in text and not text[0].isdigit() else f"layer_{text}"


def literal(array: Array) -> str:
    """The call `array("…", (2, 4))`, with the numbers as float32 in base 64."""
    numbers = base64.b64encode(np.asarray(array, "<f4").tobytes()).decode()
    lines = textwrap.wrap(numbers, 80) or [""]
    text = "\n        ".join(f'"{line}"' for line in lines)
    return f"array(\n        {text},\n        {tuple(array.shape)},\n    )"
