"""How the exports spell convolutions and poolings."""

from __future__ import annotations

import numpy as np

from ._dense import numpy_biased
from ._program import Line, kernel, zeros_around
from ._spelling import (
    Module,
    Spelling,
    Weights,
    numpy_call,
    numpy_weight,
    onnx_activated,
    onnx_channels_first,
    onnx_channels_last,
    onnx_rank,
    onnx_weight,
    pytorch_activated,
    pytorch_module,
)
from .onnx_graph import Graph


def _numpy_convolution(line: Line) -> str:
    _, stride = kernel(line.layer)
    weight, zeros = numpy_weight(line, "weight"), zeros_around(line)
    return numpy_biased(line, numpy_call("convolution", line.x, weight, stride=stride, zeros=zeros))


def _pytorch_convolution(line: Line, w: Weights) -> str:
    *_, channels, filters = w["weight"].shape
    size, stride = kernel(line.layer)
    details = f"{channels}, {filters}, {size}, stride={stride}, bias={'bias' in w}"
    return f"nn.Conv{_dimensions(line)}({details})"


def _pytorch_convolved(line: Line) -> str:
    x = f"{line.x}.movedim(-1, 1)"
    # PyTorch names the last axis first.
    around = [n for both in reversed(zeros_around(line)) for n in both]
    if any(around):
        x = f"F.pad({x}, {tuple(around)})"
    return pytorch_activated(line, f"{pytorch_module(line)}({x}).movedim(1, -1)")


def _pytorch_kernel(w: Weights) -> Weights:
    """Return the kernel as PyTorch has it, (filters, channels, *size)."""
    return {**w, "weight": np.moveaxis(w["weight"], (-1, -2), (0, 1))}


def _onnx_convolution(graph: Graph, line: Line, inputs: list[str]) -> str:
    size, stride = kernel(line.layer)
    weight = np.moveaxis(graph.weights[f"{line.name}.weight"], (-1, -2), (0, 1))
    before, after = zip(*zeros_around(line), strict=True)
    y = graph.apply(
        "Conv",
        onnx_channels_first(graph, line, inputs[0]),
        graph.constant(f"{line.name}.weight", weight),
        *([onnx_weight(graph, line, "bias")] if line.layer.use_bias else []),
        kernel_shape=size,
        strides=stride,
        pads=before + after,
    )
    return onnx_activated(graph, line, onnx_channels_last(graph, line, y))


def _dimensions(line: Line) -> str:
    return "1d" if line.layer.type.endswith("1d") else "2d"


def _pool(numpy: str, pytorch: str, onnx: str) -> Spelling:
    """Return the spelling of a pooling, given the name of its function in each format."""

    def in_numpy(line: Line) -> str:
        size, stride = kernel(line.layer)
        return numpy_call(numpy, line.x, size=size, stride=stride)

    def in_pytorch(line: Line) -> str:
        size, stride = kernel(line.layer)
        x = f"{line.x}.movedim(-1, 1)"
        return f"F.{pytorch}{_dimensions(line)}({x}, {size}, {stride}).movedim(1, -1)"

    def in_onnx(graph: Graph, line: Line, inputs: list[str]) -> str:
        size, stride = kernel(line.layer)
        x = onnx_channels_first(graph, line, inputs[0])
        y = graph.apply(onnx, x, kernel_shape=size, strides=stride)
        return onnx_channels_last(graph, line, y)

    return Spelling(in_numpy, Module(in_pytorch), in_onnx)


def _global_pool(numpy: str, pytorch: str, onnx: str) -> Spelling:
    """Return the spelling of a pooling over all positions, given its name in each format."""

    def in_onnx(graph: Graph, line: Line, inputs: list[str]) -> str:
        axes = graph.integers(*range(1, onnx_rank(line) - 1))
        return graph.apply(onnx, *inputs, axes, keepdims=0)

    return Spelling(
        lambda line: f"{line.x}.{numpy}(axis={_positions(line)})",
        Module(lambda line: f"{line.x}.{pytorch}({_positions(line)})"),
        in_onnx,
    )


def _positions(line: Line) -> tuple[int, ...]:
    return tuple(range(1, len(line.inputs[0].shape)))


_CONVOLUTION = Spelling(
    numpy=_numpy_convolution,
    pytorch=Module(_pytorch_convolved, _pytorch_convolution, _pytorch_kernel),
    onnx=_onnx_convolution,
)
_MAX_POOL = _pool("max_pool", "max_pool", "MaxPool")
_AVERAGE_POOL = _pool("average_pool", "avg_pool", "AveragePool")

SPELLINGS: dict[str, Spelling] = {
    "conv1d": _CONVOLUTION,
    "conv2d": _CONVOLUTION,
    "max_pool1d": _MAX_POOL,
    "max_pool2d": _MAX_POOL,
    "average_pool1d": _AVERAGE_POOL,
    "average_pool2d": _AVERAGE_POOL,
    "global_max_pool": _global_pool("max", "amax", "ReduceMax"),
    "global_average_pool": _global_pool("mean", "mean", "ReduceMean"),
}
