"""How the exports spell dense layers, norms, and layers that only move numbers."""

from __future__ import annotations

from ._program import Line
from ._spelling import (
    Module,
    Spelling,
    Weights,
    norm_state,
    numpy_activated,
    numpy_call,
    numpy_masks,
    numpy_weight,
    numpy_weights,
    onnx_activated,
    onnx_channels_first,
    onnx_channels_last,
    onnx_layer_norm,
    onnx_linear,
    onnx_weight,
    pytorch_activated,
    pytorch_call,
    pytorch_module,
    transposed,
)
from .onnx_graph import Graph


def numpy_biased(line: Line, expression: str) -> str:
    """Return the expression plus the line's bias, if it has one, and the activation of that."""
    bias = f" + {numpy_weight(line, 'bias')}" if line.layer.use_bias else ""
    return numpy_activated(line, expression + bias)


def _pytorch_linear(line: Line, w: Weights) -> str:
    fan_in, units = w["weight"].shape
    return f"nn.Linear({fan_in}, {units}, bias={'bias' in w})"


def _onnx_batch_norm(graph: Graph, line: Line, inputs: list[str]) -> str:
    names = ("scale", "shift", "mean", "variance")
    statistics = [onnx_weight(graph, line, name) for name in names]
    x = onnx_channels_first(graph, line, inputs[0])
    y = graph.apply("BatchNormalization", x, *statistics, epsilon=line.layer.epsilon)
    return onnx_channels_last(graph, line, y)


def _onnx_slice(graph: Graph, line: Line, inputs: list[str]) -> str:
    length = line.inputs[0].shape[0]
    start, stop, _ = slice(line.layer.start, line.layer.stop).indices(length)
    return graph.apply("Slice", *inputs, *map(graph.integers, (start, stop, 1)))


def _columns(line: Line, library: str) -> str:
    """Return expressions for the terms of `features`, each an array `(n,)`."""
    texts = []
    for function, factor, features in line.layer.parsed:
        text = " * ".join(f"{line.x}[:, {i}]" for i in features)
        if factor != 1.0:
            text = f"{factor!r} * {text}"
        texts.append(f"{library}.{function}({text})" if function else text)
    return ", ".join(texts)


def _onnx_features(graph: Graph, line: Line, inputs: list[str]) -> str:
    columns = []
    for function, factor, features in line.layer.parsed:
        value, *others = (
            graph.apply("Slice", *inputs, *map(graph.integers, (i, i + 1, 1))) for i in features
        )
        for other in others:
            value = graph.apply("Mul", value, other)
        if factor != 1.0:
            value = graph.apply("Mul", value, graph.constant(f"factor_{factor!r}", factor))
        columns.append(graph.apply(function.title(), value) if function else value)
    return graph.apply("Concat", *columns, axis=-1)


_RESHAPE = Spelling(
    numpy=lambda line: f"{line.x}.reshape({', '.join(map(str, (-1, *line.output.shape)))})",
    pytorch=Module(lambda line: f"{line.x}.reshape{(-1, *line.output.shape)}"),
    onnx=lambda graph, line, inputs: graph.apply(
        "Reshape", *inputs, graph.integers(0, *line.output.shape)
    ),
)

SPELLINGS: dict[str, Spelling] = {
    "dense": Spelling(
        numpy=lambda line: numpy_biased(line, f"{line.x} @ {numpy_weight(line, 'weight')}"),
        pytorch=Module(
            lambda line: pytorch_activated(line, pytorch_call(line)), _pytorch_linear, transposed
        ),
        onnx=lambda graph, line, inputs: onnx_activated(
            graph, line, onnx_linear(graph, line, *inputs)
        ),
    ),
    "activation": Spelling(
        numpy=lambda line: numpy_activated(line, line.x),
        pytorch=Module(lambda line: pytorch_activated(line, line.x)),
        onnx=lambda graph, line, inputs: onnx_activated(graph, line, *inputs),
    ),
    "dropout": Spelling(
        numpy=lambda line: line.x,
        pytorch=Module(pytorch_call, lambda line, w: f"nn.Dropout({line.layer.rate!r})"),
        onnx=lambda graph, line, inputs: inputs[0],
        numpy_training=lambda line, training: f"dropout({line.x}, {numpy_masks(line)})",
    ),
    "layer_norm": Spelling(
        numpy=lambda line: numpy_call(
            "layer_norm", line.x, numpy_weights(line), epsilon=line.layer.epsilon
        ),
        pytorch=Module(
            pytorch_call,
            lambda line, w: f"nn.LayerNorm({len(w['scale'])}, eps={line.layer.epsilon!r})",
            norm_state,
        ),
        onnx=lambda graph, line, inputs: onnx_layer_norm(
            graph, line, inputs[0], line.layer.epsilon
        ),
    ),
    "batch_norm": Spelling(
        numpy=lambda line: numpy_call(
            "batch_norm", line.x, numpy_weights(line), epsilon=line.layer.epsilon
        ),
        pytorch=Module(
            lambda line: f"{pytorch_module(line)}({line.x}.flatten(0, -2)).view_as({line.x})",
            lambda line, w: (
                f"nn.BatchNorm1d({len(w['scale'])}, eps={line.layer.epsilon!r}, "
                f"momentum=1 - {line.layer.momentum!r})"
            ),
            norm_state,
        ),
        onnx=_onnx_batch_norm,
        numpy_training=lambda line, training: numpy_call(
            "batch_norm",
            line.x,
            numpy_weights(line),
            f"training={training}",
            momentum=line.layer.momentum,
            epsilon=line.layer.epsilon,
        ),
    ),
    "features": Spelling(
        numpy=lambda line: f"np.stack([{_columns(line, 'np')}], axis=-1)",
        pytorch=Module(lambda line: f"torch.stack([{_columns(line, 'torch')}], -1)"),
        onnx=_onnx_features,
    ),
    "flatten": _RESHAPE,
    "reshape": _RESHAPE,
    "slice": Spelling(
        numpy=lambda line: f"{line.x}[:, {line.layer.start}:{line.layer.stop or ''}]",
        pytorch=Module(lambda line: f"{line.x}[:, {line.layer.start}:{line.layer.stop or ''}]"),
        onnx=_onnx_slice,
    ),
    "add": Spelling(
        numpy=lambda line: " + ".join(line.variables),
        pytorch=Module(lambda line: " + ".join(line.variables)),
        onnx=lambda graph, line, inputs: graph.elementwise("Sum", *inputs),
    ),
    "concatenate": Spelling(
        numpy=lambda line: f"np.concatenate([{', '.join(line.variables)}], axis=-1)",
        pytorch=Module(lambda line: f"torch.cat([{', '.join(line.variables)}], -1)"),
        onnx=lambda graph, line, inputs: graph.apply("Concat", *inputs, axis=-1),
    ),
}
