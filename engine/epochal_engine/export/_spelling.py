"""The spelling of a layer in each format that is written layer by layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from ..model.activations import ACTIVATIONS
from ..symbolic.trace import Array
from ._program import Line, quoted
from .onnx_graph import Graph

Weights: TypeAlias = Mapping[str, Array]
"""The arrays of one layer by their short names, as in weight."""


@dataclass(frozen=True)
class Module:
    """A line of a PyTorch module."""

    call: Callable[[Line], str]
    """The expression in `forward`."""
    create: Callable[[Line, Weights], str] = lambda line, w: ""
    """The expression in `__init__` that creates the line's submodule; empty if there is none."""
    state: Callable[[Weights], Weights] = lambda w: w
    """The submodule's state, from the line's weights."""


@dataclass(frozen=True)
class Spelling:
    """One type of layer in every format."""

    numpy: Callable[[Line], str]
    """The expression in NumPy; it may call what `_functions.py` defines."""
    pytorch: Module
    onnx: Callable[[Graph, Line, list[str]], str]
    """`onnx(graph, line, inputs)` adds the line's operators and returns its output."""
    numpy_training: Callable[[Line, str], str] | None = None
    """The expression in NumPy while the network is trained, if it is another one, given the
    expression of whether a step is taken. It may call what `training/_numpy_training.py` defines;
    `masks` are the dropout masks by line."""


# ---------------------------------------------------------------- NumPy


def numpy_weight(line: Line, name: str) -> str:
    """Return the expression of a parameter of the line."""
    return f"w[{quoted(f'{line.name}.{name}')}]"


def numpy_weights(line: Line) -> str:
    """Return the expression of all parameters of the line, by their short names."""
    return f"within(w, {quoted(line.name)})"


def numpy_masks(line: Line) -> str:
    """Return the expression of the dropout masks of the line in a step."""
    return f"masks.get({quoted(line.name)})"


def numpy_call(function: str, *arguments: str, **details: object) -> str:
    """Return a call with positional expressions and keyword values."""
    keywords = (f"{name}={detail!r}" for name, detail in details.items())
    return f"{function}({', '.join([*arguments, *keywords])})"


def numpy_activated(line: Line, expression: str) -> str:
    """Return the layer's activation of an expression."""
    activation = line.layer.activation
    return expression if activation == "linear" else f"{activation}({expression})"


# ---------------------------------------------------------------- PyTorch


def pytorch_module(line: Line) -> str:
    """Return the expression of the line's submodule."""
    return f"self.{line.output.variable}"


def pytorch_call(line: Line) -> str:
    """Return the call of the line's submodule on all its inputs."""
    return f"{pytorch_module(line)}({', '.join(line.variables)})"


def pytorch_activated(line: Line, expression: str) -> str:
    """Return the layer's activation of an expression."""
    return ACTIVATIONS[line.layer.activation].pytorch.format(x=expression)


def transposed(w: Weights) -> Weights:
    """Return matrices as PyTorch has them, (outputs, inputs)."""
    return {name: array.T for name, array in w.items()}


_NAMES = {"scale": "weight", "shift": "bias", "mean": "running_mean", "variance": "running_var"}


def norm_state(w: Weights) -> Weights:
    """Return the parameters of norms under the names that PyTorch has for them."""
    parts = {name: name.rpartition(".") for name in w}
    return {
        f"{path}{dot}{_NAMES.get(last, last)}": w[name] for name, (path, dot, last) in parts.items()
    }


# ---------------------------------------------------------------- ONNX


def onnx_weight(graph: Graph, line: Line, name: str) -> str:
    """Add a parameter of the line as a constant, and return its name."""
    full = f"{line.name}.{name}"
    return graph.constant(full, graph.weights[full])


def onnx_rank(line: Line) -> int:
    """Return the number of axes of the first input, the batch axis included."""
    return len(line.inputs[0].shape) + 1


def onnx_activated(graph: Graph, line: Line, x: str) -> str:
    """Return the layer's activation of x."""
    return ACTIVATIONS[line.layer.activation].onnx(graph, x)


def onnx_linear(graph: Graph, line: Line, x: str, part: str = "") -> str:
    """Return x·W + b with the parameters of a part, or x·W if it has no b."""
    y = graph.apply("MatMul", x, onnx_weight(graph, line, f"{part}weight"))
    if f"{part}bias" in line.parameters:
        y = graph.apply("Add", y, onnx_weight(graph, line, f"{part}bias"))
    return y


def onnx_layer_norm(graph: Graph, line: Line, x: str, epsilon: float, part: str = "") -> str:
    """Return the layer norm of x with the parameters of a part."""
    scale, shift = (onnx_weight(graph, line, f"{part}{name}") for name in ("scale", "shift"))
    return graph.apply("LayerNormalization", x, scale, shift, axis=-1, epsilon=epsilon)


def onnx_channels_first(graph: Graph, line: Line, x: str) -> str:
    """Return x with its last axis behind the batch axis, as ONNX has images."""
    channels = onnx_rank(line) - 1
    return graph.permute(x, (0, channels, *range(1, channels)))


def onnx_channels_last(graph: Graph, line: Line, x: str) -> str:
    """Undo `onnx_channels_first`."""
    return graph.permute(x, (0, *range(2, onnx_rank(line)), 1))
