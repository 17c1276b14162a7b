"""Convolution and pooling: the same small computation at every position of a window."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from epochal_engine import AveragePool2d, Conv2d, MaxPool2d
from epochal_engine.symbolic import Array
from epochal_service.errors import FieldError, InvalidArgument

from ..specs.explorers.convolution import (
    ConvolutionSimulation,
    PoolingSimulation,
    SimulateConvolutionRequest,
    SimulatePoolingRequest,
    Window,
    WindowedSpec,
)
from ..specs.explorers.quantity import Quantity
from .explorer import Explorer
from .formulas import Expression, expression, quantity, sum_of_products, total
from .one_layer import apply_layer

MAX_PRODUCTS = 16_000

KERNELS: dict[str, tuple[list[list[float]], list[list[float]]]] = {
    # The difference from the neighbors: 0 wherever the image is constant.
    "edge": ([[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]], [[-1, 2, -1]]),
    # Sobel and Feldman (1968): the gradient from left to right, and from top to bottom.
    "vertical_edge": ([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], [[-1, 0, 1]]),
    "horizontal_edge": ([[-1, -2, -1], [0, 0, 0], [1, 2, 1]], [[-1, 0, 1]]),
    "blur": ([[1 / 9] * 3] * 3, [[1 / 3] * 3]),
    # The image plus its edges.
    "sharpen": ([[0, -1, 0], [-1, 5, -1], [0, -1, 0]], [[-1, 3, -1]]),
    "identity": ([[0, 0, 0], [0, 1, 0], [0, 0, 0]], [[0, 1, 0]]),
}
"""By name: for an image, and for a signal."""


@dataclass(frozen=True, eq=False)
class _Windows:
    """The geometry and the output of a window that slides over an image."""

    image: Array
    padded: Array
    before: tuple[int, int]
    """Zeros above and to the left."""
    size: tuple[int, int]
    stride: tuple[int, int]
    output: Array

    def values(self, row: int, column: int) -> Array:
        """The numbers in one window."""
        top, left = row * self.stride[0], column * self.stride[1]
        return self.padded[top : top + self.size[0], left : left + self.size[1]]

    def window(self, row: int, column: int, products: Array | None, output: Quantity) -> Window:
        """One window of the reply."""
        return Window(
            row=row,
            column=column,
            top=row * self.stride[0],
            left=column * self.stride[1],
            values=self.values(row, column).tolist(),
            products=[] if products is None else products.tolist(),
            output=output,
        )

    @property
    def positions(self) -> list[tuple[int, int]]:
        """Rows and columns of the output."""
        return [(row, column) for row, column in np.ndindex(self.output.shape)]


# ---------------------------------------------------------------- convolution


def convolution(request: SimulateConvolutionRequest) -> ConvolutionSimulation:
    """Compute a convolution window by window: products, their sum, and the size of the output.

    As in all neural networks, the kernel is not flipped: strictly, this is a cross-correlation.

    Raises `InvalidArgument` unless there is one input with rows of equal length into which the
    kernel fits, and for too many products.
    """
    image, kernel = _image(request), _kernel(request)
    sizes = [
        _size(name, n, k, request.stride, request.padding)
        for name, n, k in zip(("height", "width"), image.shape, kernel.shape, strict=True)
    ]
    _require_affordable(image, kernel, int(sizes[0].value * sizes[1].value))
    return _convolution_reply(request, _convolved(request, image, kernel), kernel, sizes)


def _require_affordable(image: Array, kernel: Array, positions: int) -> None:
    if positions < 1:
        raise InvalidArgument.of(
            FieldError(
                "kernel",
                f"must fit into the input, {_by(image.shape)}, without padding; got "
                f"{_by(kernel.shape)}",
            )
        )
    if positions * kernel.size > MAX_PRODUCTS:
        raise InvalidArgument.of(
            FieldError(
                "kernel",
                f"must make at most {MAX_PRODUCTS} products; got {positions * kernel.size}. Use a "
                "smaller image or kernel, or a larger stride",
            ),
            reason="limit_exceeded",
        )


def _convolved(request: SimulateConvolutionRequest, image: Array, kernel: Array) -> _Windows:
    stride = (1 if request.signal is not None else request.stride), request.stride
    layer = Conv2d(1, kernel.shape, stride=stride, padding=request.padding)
    weights = {"weight": kernel[:, :, None, None], "bias": np.array([request.bias])}
    output = apply_layer(layer, image[None, :, :, None], weights)[0, :, :, 0]
    padded, before = _padded(image, kernel.shape, request.stride, request.padding)
    return _Windows(image, padded, before, kernel.shape, stride, output)


def _convolution_reply(
    request: SimulateConvolutionRequest,
    windows: _Windows,
    kernel: Array,
    sizes: list[Quantity],
) -> ConvolutionSimulation:
    output, inputs = windows.output, windows.image.size
    return ConvolutionSimulation(
        kernel=kernel.tolist(),
        padded_input=windows.padded.tolist(),
        padding_before=list(windows.before),
        height=sizes[0],
        width=sizes[1],
        windows=[
            _convolved_window(request, windows, kernel, row, column)
            for row, column in windows.positions
        ],
        output=output.tolist(),
        parameters=quantity(
            "parameters",
            kernel.size + 1,
            "kernel height·kernel width + 1 bias, shared by all positions",
            expression("{}·{} + 1", *kernel.shape),
        ),
        flops=quantity(
            "FLOPs",
            2 * kernel.size * output.size,
            "2·products",
            expression("2·{}·{}", kernel.size, output.size),
        ),
        verdict=(
            f"{_by(windows.image.shape)} numbers become {_by(output.shape)}, with "
            f"{kernel.size + 1} parameters that all positions share; a dense layer of the same "
            f"size would have {inputs * output.size + output.size}."
        ),
    )


def _convolved_window(
    request: SimulateConvolutionRequest, windows: _Windows, kernel: Array, row: int, column: int
) -> Window:
    values = windows.values(row, column)
    pairs = list(zip(kernel.ravel().tolist(), values.ravel().tolist(), strict=True))
    result = quantity(
        f"y{row},{column}",
        float(windows.output[row, column]),
        "Σ w·x + b over the window",
        sum_of_products(pairs, [request.bias] if request.bias else []),
    )
    return windows.window(row, column, values * kernel + 0.0, result)  # + 0.0 turns -0 into 0


# ---------------------------------------------------------------- pooling


def pooling(request: SimulatePoolingRequest) -> PoolingSimulation:
    """Compute pooling window by window: the maximum or the mean of each window.

    Raises `InvalidArgument` unless there is one input with rows of equal length into which a window
    fits.
    """
    image = _image(request)
    is_signal = request.signal is not None
    size = (1, request.size) if is_signal else (request.size, request.size)
    length = request.stride or request.size
    stride = (1, length) if is_signal else (length, length)
    sizes = [
        _size(name, n, k, s, "valid")
        for name, n, k, s in zip(("height", "width"), image.shape, size, stride, strict=True)
    ]
    if min(size.value for size in sizes) < 1:
        raise InvalidArgument.of(
            FieldError("size", f"must fit into the input, {_by(image.shape)}; got {request.size}")
        )
    kind = MaxPool2d if request.kind == "max" else AveragePool2d
    output = apply_layer(kind(size, stride), image[None, :, :, None], {})[0, :, :, 0]
    return _pooling_reply(request, _Windows(image, image, (0, 0), size, stride, output), sizes)


def _pooling_reply(
    request: SimulatePoolingRequest, windows: _Windows, sizes: list[Quantity]
) -> PoolingSimulation:
    seen = np.zeros(windows.image.shape, bool)
    for row, column in windows.positions:
        top, left = row * windows.stride[0], column * windows.stride[1]
        seen[top : top + windows.size[0], left : left + windows.size[1]] = True
    unused = int((~seen).sum())
    return PoolingSimulation(
        height=sizes[0],
        width=sizes[1],
        windows=[
            windows.window(row, column, None, _pooled(request.kind, windows, row, column))
            for row, column in windows.positions
        ],
        output=windows.output.tolist(),
        unused_inputs=unused,
        verdict=(
            f"{_by(windows.image.shape)} numbers become {_by(windows.output.shape)} without any "
            "parameters" + (f"; {unused} numbers are in no window." if unused else ".")
        ),
    )


def _pooled(kind: str, windows: _Windows, row: int, column: int) -> Quantity:
    values = windows.values(row, column).ravel().tolist()
    if kind == "max":
        terms = expression(f"max({', '.join(['{}'] * len(values))})", *values)
        if len(values) == 1:
            terms = expression("{}", *values)
    else:
        terms = expression(f"({{}}) / {len(values)}", total(values))
    return quantity(
        f"y{row},{column}",
        float(windows.output[row, column]),
        f"{'maximum' if kind == 'max' else 'mean'} of the window",
        terms,
    )


# ---------------------------------------------------------------- inputs and sizes


def _image(request: WindowedSpec) -> Array:
    if (request.image is None) == (request.signal is None):
        raise InvalidArgument.of(FieldError("image", "must be given, or a signal, but not both"))
    rows = [request.signal] if request.signal is not None else request.image
    assert rows is not None
    return _rows("image", rows, 32 if request.signal is None else 256)


def _rows(field: str, rows: list[list[float]], most: int) -> Array:
    lengths = {len(row) for row in rows}
    if len(lengths) > 1 or not 1 <= max(lengths) <= most:
        raise InvalidArgument.of(
            FieldError(field, f"must have rows of equal length, with 1 to {most} numbers")
        )
    return np.array(rows, np.float64)


def _kernel(request: SimulateConvolutionRequest) -> Array:
    if request.kernel is not None and request.kernel_name is not None:
        raise InvalidArgument.of(FieldError("kernel", "must be left out if kernel_name is given"))
    is_signal = request.signal is not None
    if request.kernel is None:
        kernel = KERNELS[request.kernel_name or "edge"][is_signal]
        return np.array(kernel, np.float64)
    kernel_rows = _rows("kernel", request.kernel, 7)
    if is_signal and len(kernel_rows) > 1:
        raise InvalidArgument.of(FieldError("kernel", "must be one row for a signal"))
    return kernel_rows


def _padded(
    image: Array, kernel: tuple[int, ...], stride: int, padding: str
) -> tuple[Array, tuple[int, int]]:
    """The image with zero padding, and the zeros above and to the left."""
    if padding == "valid":
        return image, (0, 0)
    steps = (1, stride) if image.shape[0] == 1 and kernel[0] == 1 else (stride, stride)
    missing = [
        max((-(-n // s) - 1) * s + k - n, 0)
        for n, k, s in zip(image.shape, kernel, steps, strict=True)
    ]
    before = missing[0] // 2, missing[1] // 2
    widths = [(b, m - b) for b, m in zip(before, missing, strict=True)]
    return np.pad(image, widths), before


def _size(name: str, n: int, k: int, s: int, padding: str) -> Quantity:
    """The length of one axis of the output."""
    if padding == "same":
        return quantity(name, -(-n // s), "⌈n / stride⌉", Expression(f"⌈{n} / {s}⌉"))
    return quantity(
        name,
        (n - k) // s + 1 if n >= k else 0,
        "⌊(n - k) / stride⌋ + 1",
        Expression(f"⌊({n} - {k}) / {s}⌋ + 1"),
    )


def _by(shape: tuple[int, ...]) -> str:
    return f"{shape[0]}×{shape[1]}"


CONVOLUTION = Explorer(
    "A convolution, window by window",
    convolution,
    {
        "The edges of a square": {
            "image": [
                [0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
                [0.0, 1.0, 1.0, 1.0, 1.0, 0.0],
                [0.0, 1.0, 1.0, 1.0, 1.0, 0.0],
                [0.0, 1.0, 1.0, 1.0, 1.0, 0.0],
                [0.0, 1.0, 1.0, 1.0, 1.0, 0.0],
                [0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
            ],
            "kernel_name": "edge",
            "padding": "same",
        },
        "A given kernel, with stride 2": {
            "image": [
                [1.0, 2.0, 0.0, 3.0],
                [0.0, 1.0, 2.0, 1.0],
                [4.0, 0.0, 1.0, 0.0],
                [1.0, 1.0, 0.0, 2.0],
            ],
            "kernel": [[1.0, 0.0], [0.0, -1.0]],
            "bias": 0.5,
            "stride": 2,
        },
        "Steps of a signal": {
            "signal": [0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0, 0.0],
            "kernel_name": "vertical_edge",
        },
    },
)
POOLING = Explorer(
    "Pooling, window by window",
    pooling,
    {
        "The maximum of each 2 by 2 window": {
            "image": [
                [1.0, 3.0, 2.0, 0.0],
                [4.0, 2.0, 1.0, 5.0],
                [0.0, 1.0, 6.0, 2.0],
                [7.0, 0.0, 1.0, 3.0],
            ]
        },
        "The mean of three numbers, with stride 2": {
            "signal": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
            "kind": "average",
            "size": 3,
            "stride": 2,
        },
    },
)
