"""The network as an ONNX graph, which many runtimes compute, in a browser and on a phone too.

A layer is as few operators as ONNX has for it: a Conv, an LSTM, a LayerNormalization. ONNX has the
channels of images, and the places of sequences, before the rest: axes are permuted on the way into
such an operator and back on the way out. Where a way out meets a way in, neither is there, and what
is done to single elements is done before the way out: so images are turned once, and back once.

Source of the operators and their order of gates: https://onnx.ai/onnx/operators.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from ..layers import LayerNorm
from ..layers.tokens import sinusoids
from ..network import Network
from ..trace import Array, Shape
from .program import Line, Program, kernel, zeros_around
from .scaling import Scaling

OPSET = 20
"""The first one with Gelu."""
IR_VERSION = 9
"""The file format of the ONNX release that brought this opset: what reads the one reads both."""

INPUT, OUTPUT = "input", "output"
SAMPLES = "n"
"""The name of the first axis, whose length is open."""

Axes: TypeAlias = tuple[int, ...]


class Operator(NamedTuple):
    """One node of the graph."""

    type: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any]


class Graph:
    """Operators in their order, and the constants that they take; arrays are known by name."""

    def __init__(self, weights: Mapping[str, Array]) -> None:
        self.weights = weights
        self.operators: list[Operator] = []
        self.constants: dict[str, Array] = {}
        self.part = INPUT
        """Whose operators are added: the line's name is the beginning of theirs."""
        self._permuted: dict[tuple[str, Axes], str] = {}
        self._source: dict[str, tuple[str, Axes]] = {}

    def apply(self, operator: str, *inputs: str, output: int = 0, **attributes: Any) -> str:
        """The output of an operator: the first one, or another."""
        name = f"{self.part}/{operator}_{len(self.operators)}"
        self.operators.append(Operator(operator, inputs, ("",) * output + (name,), attributes))
        return name

    def constant(self, name: str, array: ArrayLike, dtype: str = "float32") -> str:
        """An array that is part of the file."""
        self.constants[name] = np.asarray(array, dtype)
        return name

    def whole(self, *numbers: int) -> str:
        """A constant of whole numbers, as for axes and shapes."""
        return self.constant("_".join(["whole", *map(str, numbers)]), numbers, "int64")

    def permute(self, x: str, axes: Axes) -> str:
        """The axes of x in another order; put back, they are what they were."""
        unmoved = tuple(range(len(axes)))
        source, before = self._source.get(x, (x, unmoved))
        order = tuple(before[i] for i in axes)
        if order == unmoved:
            return source
        if (source, order) not in self._permuted:
            y = self.apply("Transpose", source, perm=order)
            self._permuted[source, order], self._source[y] = y, (source, order)
        return self._permuted[source, order]

    def elementwise(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """As `apply`; of inputs that are permuted alike, what they were is worked on instead."""
        sources = [self._source.get(x, (x, ())) for x in inputs]
        axes = sources[0][1]
        if not axes or any(order != axes for _, order in sources):
            return self.apply(operator, *inputs, **attributes)
        return self.permute(self.apply(operator, *(x for x, _ in sources), **attributes), axes)

    def needed(self, output: str) -> list[Operator]:
        """The operators that lead to an output."""
        wanted, kept = {output}, []
        for operator in reversed(self.operators):
            if wanted.intersection(operator.outputs):
                wanted.update(operator.inputs)
                kept.append(operator)
        return kept[::-1]


def _weight(graph: Graph, line: Line, name: str) -> str:
    full = f"{line.name}.{name}"
    return graph.constant(full, graph.weights[full])


def _rank(line: Line) -> int:
    """Axes of the first input, the samples' with them."""
    return len(line.inputs[0].shape) + 1


# ---------------------------------------------------------------- activations

Function: TypeAlias = Callable[[Graph, str], str]


def _operator(name: str, **attributes: Any) -> Function:
    return lambda graph, x: graph.elementwise(name, x, **attributes)


def _step(graph: Graph, x: str) -> str:
    is_reached = graph.apply("GreaterOrEqual", x, graph.constant("zero", 0.0))
    return graph.apply("Cast", is_reached, to=_FLOAT)


_FLOAT, _INT64 = 1, 7
"""TensorProto.FLOAT and TensorProto.INT64."""

ACTIVATIONS: dict[str, Function] = {
    "linear": lambda graph, x: x,
    "step": _step,
    "sigmoid": _operator("Sigmoid"),
    "tanh": _operator("Tanh"),
    "softsign": _operator("Softsign"),
    "relu": _operator("Relu"),
    "leaky_relu": _operator("LeakyRelu", alpha=0.01),
    "softplus": _operator("Softplus"),
    "elu": _operator("Elu"),
    "selu": _operator("Selu"),
    "gelu": _operator("Gelu"),
    "gelu_tanh": _operator("Gelu", approximate="tanh"),
    "silu": lambda graph, x: graph.elementwise("Mul", x, graph.elementwise("Sigmoid", x)),
    "mish": _operator("Mish"),
    "softmax": lambda graph, x: graph.apply("Softmax", x, axis=-1),
}


def _activated(graph: Graph, line: Line, x: str) -> str:
    return ACTIVATIONS[line.layer.activation](graph, x)


# ---------------------------------------------------------------- layers

Word: TypeAlias = Callable[[Graph, Line, list[str]], str]
"""`word(graph, line, inputs)` adds the line's operators to the graph and gives its output."""


def _linear(graph: Graph, line: Line, x: str, part: str = "") -> str:
    """x·W + b with the weights of a part, if there is a b."""
    y = graph.apply("MatMul", x, _weight(graph, line, f"{part}weight"))
    if f"{part}bias" in line.parameters:
        y = graph.apply("Add", y, _weight(graph, line, f"{part}bias"))
    return y


def _normal(graph: Graph, line: Line, x: str, epsilon: float, part: str = "") -> str:
    scale, shift = (_weight(graph, line, f"{part}{name}") for name in ("scale", "shift"))
    return graph.apply("LayerNormalization", x, scale, shift, axis=-1, epsilon=epsilon)


def _batch_norm(graph: Graph, line: Line, inputs: list[str]) -> str:
    statistics = [_weight(graph, line, name) for name in ("scale", "shift", "mean", "variance")]
    x = _channels_first(graph, line, inputs[0])
    y = graph.apply("BatchNormalization", x, *statistics, epsilon=line.layer.epsilon)
    return _channels_last(graph, line, y)


def _channels_first(graph: Graph, line: Line, x: str) -> str:
    channels = _rank(line) - 1
    return graph.permute(x, (0, channels, *range(1, channels)))


def _channels_last(graph: Graph, line: Line, x: str) -> str:
    return graph.permute(x, (0, *range(2, _rank(line)), 1))


def _convolution(graph: Graph, line: Line, inputs: list[str]) -> str:
    size, stride = kernel(line.layer)
    weight = np.moveaxis(graph.weights[f"{line.name}.weight"], (-1, -2), (0, 1))
    before, after = zip(*zeros_around(line), strict=True)
    y = graph.apply(
        "Conv",
        _channels_first(graph, line, inputs[0]),
        graph.constant(f"{line.name}.weight", weight),
        *([_weight(graph, line, "bias")] if line.layer.use_bias else []),
        kernel_shape=size,
        strides=stride,
        pads=before + after,
    )
    return _activated(graph, line, _channels_last(graph, line, y))


def _pool(operator: str) -> Word:
    def word(graph: Graph, line: Line, inputs: list[str]) -> str:
        size, stride = kernel(line.layer)
        x = _channels_first(graph, line, inputs[0])
        y = graph.apply(operator, x, kernel_shape=size, strides=stride)
        return _channels_last(graph, line, y)

    return word


def _over_places(operator: str) -> Word:
    def word(graph: Graph, line: Line, inputs: list[str]) -> str:
        axes = graph.whole(*range(1, _rank(line) - 1))
        return graph.apply(operator, *inputs, axes, keepdims=0)

    return word


def _reshaped(graph: Graph, line: Line, inputs: list[str]) -> str:
    return graph.apply("Reshape", *inputs, graph.whole(0, *line.output.shape))


def _slice(graph: Graph, line: Line, inputs: list[str]) -> str:
    length = line.inputs[0].shape[0]
    start, stop, _ = slice(line.layer.start, line.layer.stop).indices(length)
    return graph.apply("Slice", *inputs, *map(graph.whole, (start, stop, 1)))


def _embedding(graph: Graph, line: Line, inputs: list[str]) -> str:
    whole = graph.apply("Cast", *inputs, to=_INT64)
    last = line.layer.vocabulary - 1
    bounds = (graph.constant(f"token_{bound}", bound, "int64") for bound in (0, last))
    tokens = graph.apply("Clip", whole, *bounds)
    return graph.apply("Gather", _weight(graph, line, "weight"), tokens)


def _positional_encoding(graph: Graph, line: Line, inputs: list[str]) -> str:
    if line.layer.kind == "learned":
        return graph.apply("Add", *inputs, _weight(graph, line, "position"))
    places = graph.constant(f"{line.name}.position", sinusoids(*line.output.shape))
    return graph.apply("Add", *inputs, places)


def _recurrent(operator: str, gates: tuple[int, ...]) -> Word:
    """`gates` are ours in ONNX's order."""

    def word(graph: Graph, line: Line, inputs: list[str]) -> str:
        arrays = {}
        for name in ("weight", "recurrent", "bias"):
            parts = np.split(graph.weights[f"{line.name}.{name}"].T, len(gates))
            arrays[name] = np.concatenate([parts[gate] for gate in gates])[None]
        # Behind the bias stands a second one, of the recurrent part.
        arrays["bias"] = np.concatenate([arrays["bias"], 0.0 * arrays["bias"]], axis=1)
        together = line.layer.return_sequences
        states = graph.apply(
            operator,
            graph.permute(inputs[0], (1, 0, 2)),
            *(graph.constant(f"{line.name}.{name}", array) for name, array in arrays.items()),
            hidden_size=line.layer.units,
            output=0 if together else 1,
        )
        # Of one direction: (places, 1, n, units), or (1, n, units) for the last.
        states = graph.apply("Squeeze", states, graph.whole(1 if together else 0))
        return graph.permute(states, (1, 0, 2)) if together else states

    return word


def _additive_attention(graph: Graph, line: Line, inputs: list[str]) -> str:
    query, memory = inputs
    asked = graph.apply("Unsqueeze", _linear(graph, line, query, "query."), graph.whole(2))
    offered = graph.apply("Unsqueeze", _linear(graph, line, memory, "memory."), graph.whole(1))
    hidden = graph.apply("Tanh", graph.apply("Add", asked, offered))
    scores = graph.apply("Squeeze", _linear(graph, line, hidden, "score."), graph.whole(3))
    return graph.apply("MatMul", graph.apply("Softmax", scores, axis=-1), memory)


def _attend(graph: Graph, line: Line, query: str, memory: str, part: str = "") -> str:
    """The output of attention by heads, from the weights of a part."""
    places, features = line.output.shape
    share = features // line.layer.heads

    def by_head(x: str, name: str, axes: Axes) -> str:
        projected = _linear(graph, line, x, f"{part}{name}.")
        split = graph.apply("Reshape", projected, graph.whole(0, 0, line.layer.heads, share))
        return graph.permute(split, axes)

    asked = by_head(query, "query", (0, 2, 1, 3))
    keys, values = by_head(memory, "key", (0, 2, 3, 1)), by_head(memory, "value", (0, 2, 1, 3))
    scale = graph.constant(f"{line.name}.scale", share**-0.5)
    scores = graph.apply("Mul", graph.apply("MatMul", asked, keys), scale)
    if line.layer.causal:
        later = np.triu(np.full((places, places), -np.inf), 1)
        scores = graph.apply("Add", scores, graph.constant(f"{line.name}.later", later))
    found = graph.apply("MatMul", graph.apply("Softmax", scores, axis=-1), values)
    together = graph.permute(found, (0, 2, 1, 3))
    joined = graph.apply("Reshape", together, graph.whole(0, 0, features))
    return _linear(graph, line, joined, f"{part}output.")


def _transformer_block(graph: Graph, line: Line, inputs: list[str]) -> str:
    def normal(x: str, part: str) -> str:
        return _normal(graph, line, x, LayerNorm().epsilon, f"{part}.")

    def attend(x: str) -> str:
        return _attend(graph, line, x, x, "attention.")

    def think(x: str) -> str:
        hidden = _activated(graph, line, _linear(graph, line, x, "hidden."))
        return _linear(graph, line, hidden, "output.")

    (x,) = inputs
    if line.layer.norm == "pre":
        x = graph.apply("Add", x, attend(normal(x, "attention_norm")))
        return graph.apply("Add", x, think(normal(x, "output_norm")))
    x = normal(graph.apply("Add", x, attend(x)), "attention_norm")
    return normal(graph.apply("Add", x, think(x)), "output_norm")


WORDS: dict[str, Word] = {
    "dense": lambda graph, line, inputs: _activated(graph, line, _linear(graph, line, *inputs)),
    "activation": lambda graph, line, inputs: _activated(graph, line, *inputs),
    "dropout": lambda graph, line, inputs: inputs[0],
    "layer_norm": lambda graph, line, inputs: _normal(graph, line, inputs[0], line.layer.epsilon),
    "batch_norm": _batch_norm,
    "flatten": _reshaped,
    "reshape": _reshaped,
    "slice": _slice,
    "add": lambda graph, line, inputs: graph.elementwise("Sum", *inputs),
    "concatenate": lambda graph, line, inputs: graph.apply("Concat", *inputs, axis=-1),
    "conv1d": _convolution,
    "conv2d": _convolution,
    "max_pool1d": _pool("MaxPool"),
    "max_pool2d": _pool("MaxPool"),
    "average_pool1d": _pool("AveragePool"),
    "average_pool2d": _pool("AveragePool"),
    "global_max_pool": _over_places("ReduceMax"),
    "global_average_pool": _over_places("ReduceMean"),
    "embedding": _embedding,
    "positional_encoding": _positional_encoding,
    "rnn": _recurrent("RNN", (0,)),
    # Ours are input, forget, output, candidate.
    "lstm": _recurrent("LSTM", (0, 2, 1, 3)),
    "gru": _recurrent("GRU", (0, 1, 2)),
    "additive_attention": _additive_attention,
    "multi_head_attention": lambda graph, line, inputs: _attend(graph, line, inputs[0], inputs[-1]),
    "transformer_block": _transformer_block,
}
"""What every type of line is."""


def onnx_model(
    network: Network, weights: Mapping[str, Array], scaling: Scaling | None = None
) -> bytes:
    """The model, from `input` `(n, *input_shape)` to `output` `(n, *output_shape)`, in float32.

    Raises ModuleNotFoundError where the package onnx is not installed.
    """
    from onnx import TensorProto, helper, numpy_helper

    graph = Graph(weights)
    x = INPUT
    if scaling is not None:
        x = graph.apply("Sub", x, graph.constant("scaling.shift", scaling.shift))
        x = graph.apply("Div", x, graph.constant("scaling.scale", scaling.scale))
    program = Program(network)
    arrays = {"x": x}
    for line in program.lines:
        graph.part = line.name
        inputs = [arrays[variable] for variable in line.variables]
        arrays[line.output.variable] = WORDS[line.layer.type](graph, line, inputs)
    prediction = arrays[program.prediction]
    operators = graph.needed(prediction)

    def renamed(names: Sequence[str]) -> list[str]:
        return [OUTPUT if name == prediction else name for name in names]

    def described(name: str, shape: Shape) -> Any:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, [SAMPLES, *shape])

    taken = {name for operator in operators for name in operator.inputs}
    model = helper.make_model(
        helper.make_graph(
            [
                helper.make_node(
                    operator.type,
                    renamed(operator.inputs),
                    renamed(operator.outputs),
                    name=operator.outputs[-1],
                    **operator.attributes,
                )
                for operator in operators
            ],
            "network",
            [described(INPUT, network.input_shape)],
            [described(OUTPUT, network.output_shape)],
            [
                numpy_helper.from_array(array, name)
                for name, array in graph.constants.items()
                if name in taken
            ],
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="epochal",
    )
    content: bytes = model.SerializeToString(deterministic=True)
    return content
