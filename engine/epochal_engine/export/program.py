"""A network as lines of a program: a variable for each layer, in the order of the layers.

    dense_1 = tanh(x @ w["dense_1.weight"] + w["dense_1.bias"])
    dense_2 = sigmoid(dense_1 @ w["dense_2.weight"] + w["dense_2.bias"])

Every format writes the same lines in its own words, from a table with one entry for each type of
layer.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ..layers import Add, Layer, Residual, Scope
from ..layers.convolution import pair
from ..layers.structure import position_names
from ..network import INPUT, Network
from ..trace import Array, Shape, Symbol, leaf


class Value(NamedTuple):
    """What a variable holds."""

    variable: str
    shape: Shape
    """Of one sample."""


@dataclass(frozen=True)
class Line:
    """`variable = layer(inputs)`."""

    name: str
    """What the names of its parameters begin with."""
    layer: Any
    parameters: tuple[str, ...]
    """Their names, without that beginning."""
    inputs: tuple[Value, ...]
    output: Value

    @property
    def x(self) -> str:
        """The variable of the first input, for most layers the only one."""
        return self.inputs[0].variable

    @property
    def variables(self) -> list[str]:
        """The variables of all inputs."""
        return [value.variable for value in self.inputs]

    def weights(self, weights: Mapping[str, Array]) -> dict[str, Array]:
        """Of all weights its own, by their short names."""
        return {name: weights[f"{self.name}.{name}"] for name in self.parameters}


class Program:
    """The lines of a network, and the prediction that they end in.

    A residual is the lines of the layers within it, and an `add` of its own name. A `reserved` word
    is no variable.
    """

    def __init__(self, network: Network, reserved: Iterable[str] = ()) -> None:
        self.lines: list[Line] = []
        self._taken = set(reserved)
        values = {INPUT: Value("x", network.input_shape)}
        for name, layer, inputs in zip(network.names, network.layers, network.inputs, strict=True):
            values[name] = self._write(name, layer, *(values[other] for other in inputs))
        self.prediction = values[network.names[-1]].variable

    def _write(self, name: str, layer: Layer, *inputs: Value) -> Value:
        """Write down a layer; its output."""
        if isinstance(layer, Residual):
            before = within = inputs[0]
            for inner, own in zip(position_names(layer.layers), layer.layers, strict=True):
                within = self._write(f"{name}.{inner}", own, within)
            return self._write(name, Add(), before, within)
        asked: list[str] = []

        def variable(path: str, shape: Shape, *_: object) -> Symbol:
            asked.append(path.removeprefix(f"{name}."))
            return leaf(shape)

        places = (leaf((1, *x.shape)) for x in inputs)
        traced = layer.forward(Scope(name, variable, None, {}), *places)
        output = Value(self._variable(name), traced.shape[1:])
        self.lines.append(Line(name, layer, tuple(asked), inputs, output))
        return output

    def _variable(self, name: str) -> str:
        """A name of its own, that is no word of Python's and no attribute of a PyTorch module:
        those have no number, as dense_1 has.
        """
        text = re.sub(r"\W", "_", name, flags=re.ASCII)
        word = text if re.match(r"[A-Za-z]\w*_\d+(_|$)", text) else f"layer_{text}"
        variable, again = word, 1
        while variable in self._taken:
            again += 1
            variable = f"{word}_again_{again}"
        self._taken.add(variable)
        return variable


# ---------------------------------------------------------------- what formats ask


def kernel(layer: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Size and stride of the windows of a convolution or a pooling, a number for each axis."""
    size = layer.kernel_size if layer.type.startswith("conv") else layer.pool_size
    axes = 1 if layer.type.endswith("1d") else 2
    return pair(size)[:axes], pair(layer.stride or size)[:axes]


def zeros_around(line: Line) -> list[tuple[int, int]]:
    """For each axis of places, how many zeros a convolution puts before and after them."""
    if line.layer.padding == "valid":
        return [(0, 0)] * (len(line.output.shape) - 1)
    missing = [
        max((after - 1) * step + size - before, 0)
        for before, after, size, step in zip(
            line.inputs[0].shape, line.output.shape, *kernel(line.layer), strict=False
        )
    ]
    return [(n // 2, n - n // 2) for n in missing]


def common_type(weights: Mapping[str, Array]) -> np.dtype[Any]:
    """The type that all weights fit in."""
    return np.result_type(*weights.values())


def quoted(text: str) -> str:
    """The text as a string of the program, whatever characters a name is made of."""
    return json.dumps(text, ensure_ascii=False)


def literal(array: Array) -> str:
    """The call `array("…", (2, 4))`, with the numbers in base 64; doubles say so."""
    single = array.dtype == np.float32
    numbers = base64.b64encode(np.asarray(array, "<f4" if single else "<f8").tobytes()).decode()
    lines = [numbers[i : i + 80] for i in range(0, len(numbers), 80)] or [""]
    text = "\n        ".join(f'"{line}"' for line in lines)
    dtype = "" if single else '\n        "<f8",'
    return f"array(\n        {text},\n        {tuple(array.shape)},{dtype}\n    )"
