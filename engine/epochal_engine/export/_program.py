"""A network as lines of a program: a variable for each layer, in the order of the layers.

    dense_1 = tanh(x @ w["dense_1.weight"] + w["dense_1.bias"])
    dense_2 = sigmoid(dense_1 @ w["dense_2.weight"] + w["dense_2.bias"])

Every format spells the same lines, see `_spellings.py`.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ..model.layers import Add, Layer, Residual, Scope
from ..model.layers.convolution import pair
from ..model.layers.structure import position_names
from ..model.network import INPUT, Network
from ..symbolic.trace import Array, Shape, Symbol, leaf


class Value(NamedTuple):
    """The value of a variable."""

    variable: str
    shape: Shape
    """The shape of one sample."""


@dataclass(frozen=True)
class Line:
    """`variable = layer(inputs)`."""

    name: str
    """The prefix of the names of its parameters."""
    layer: Any
    parameters: tuple[str, ...]
    """Their names without the prefix."""
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
        """Return the line's weights by their short names."""
        return {name: weights[f"{self.name}.{name}"] for name in self.parameters}


class Program:
    """The lines of a network, and the prediction that they end in.

    A residual is the lines of the layers within it, and an `add` with its name. `reserved` words
    are not used as variables.
    """

    def __init__(self, network: Network, reserved: Iterable[str] = ()) -> None:
        self.lines: list[Line] = []
        self._taken = set(reserved)
        values = {INPUT: Value("x", network.input_shape)}
        for name, layer, inputs in zip(network.names, network.layers, network.inputs, strict=True):
            values[name] = self._write(name, layer, *(values[other] for other in inputs))
        self.prediction = values[network.names[-1]].variable

    def _write(self, name: str, layer: Layer, *inputs: Value) -> Value:
        """Write the lines of a layer and return its output."""
        if isinstance(layer, Residual):
            before = within = inputs[0]
            for inner, inner_layer in zip(position_names(layer.layers), layer.layers, strict=True):
                within = self._write(f"{name}.{inner}", inner_layer, within)
            return self._write(name, Add(), before, within)
        names: list[str] = []

        def variable(path: str, shape: Shape, *_: object) -> Symbol:
            names.append(path.removeprefix(f"{name}."))
            return leaf(shape)

        leaves = (leaf((1, *x.shape)) for x in inputs)
        traced = layer.forward(Scope(name, variable, None, {}), *leaves)
        output = Value(self._variable(name), traced.shape[1:])
        self.lines.append(Line(name, layer, tuple(names), inputs, output))
        return output

    def _variable(self, name: str) -> str:
        """Return a unique name that is neither a Python keyword nor an attribute of a PyTorch
        module.

        Those have no number, as dense_1 has.
        """
        text = re.sub(r"\W", "_", name, flags=re.ASCII)
        word = text if re.match(r"[A-Za-z]\w*_\d+(_|$)", text) else f"layer_{text}"
        variable, again = word, 1
        while variable in self._taken:
            again += 1
            variable = f"{word}_again_{again}"
        self._taken.add(variable)
        return variable


# ---------------------------------------------------------------- for all formats


def kernel(layer: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return size and stride of the windows of a convolution or pooling, by axis."""
    size = layer.kernel_size if layer.type.startswith("conv") else layer.pool_size
    axes = 1 if layer.type.endswith("1d") else 2
    return pair(size)[:axes], pair(layer.stride or size)[:axes]


def zeros_around(line: Line) -> list[tuple[int, int]]:
    """Return how many zeros a convolution adds before and after, by axis of positions."""
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
    """Return the type that all weights fit in."""
    return np.result_type(*weights.values())


def quoted(text: str) -> str:
    """Return the text as a string literal."""
    return json.dumps(text, ensure_ascii=False)


def literal(array: Array) -> str:
    """Return the call `array("…", (2, 4))` with the numbers in base 64; float64 is marked."""
    single = array.dtype == np.float32
    numbers = base64.b64encode(np.asarray(array, "<f4" if single else "<f8").tobytes()).decode()
    lines = [numbers[i : i + 80] for i in range(0, len(numbers), 80)] or [""]
    text = "\n        ".join(f'"{line}"' for line in lines)
    dtype = "" if single else '\n        "<f8",'
    return f"array(\n        {text},\n        {tuple(array.shape)},{dtype}\n    )"
