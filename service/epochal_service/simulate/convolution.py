"""Convolution and pooling: the same small computation at every place of a window."""

from __future__ import annotations

import numpy as np

from epochal_engine import AveragePool2d, Conv2d, MaxPool2d
from epochal_engine.trace import Array

from ..errors import FieldError, InvalidArgument
from ..specs.simulations.convolution import (
    ConvolutionSimulation,
    PoolingSimulation,
    SimulateConvolutionRequest,
    SimulatePoolingRequest,
    Window,
    WindowedSpec,
)
from ..specs.simulations.quantity import Quantity
from .formulas import factor, number, sum_of_products
from .one_layer import apply_layer

MAX_PRODUCTS = 16_000

KERNELS: dict[str, tuple[list[list[float]], list[list[float]]]] = {
    # What a pixel has that its neighbors lack: 0 wherever the image is even.
    "edge": ([[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]], [[-1, 2, -1]]),
    # Sobel and Feldman (1968): the slope from left to right, and from top to bottom.
    "vertical_edge": ([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], [[-1, 0, 1]]),
    "horizontal_edge": ([[-1, -2, -1], [0, 0, 0], [1, 2, 1]], [[-1, 0, 1]]),
    "blur": ([[1 / 9] * 3] * 3, [[1 / 3] * 3]),
    # The image and its edges on top.
    "sharpen": ([[0, -1, 0], [-1, 5, -1], [0, -1, 0]], [[-1, 3, -1]]),
    "identity": ([[0, 0, 0], [0, 1, 0], [0, 0, 0]], [[0, 1, 0]]),
}
"""For an image, and for a signal."""


def convolution(request: SimulateConvolutionRequest) -> ConvolutionSimulation:
    """A convolution, window by window: products, their sum, and the size of what comes out.

    As in all networks, the kernel is not flipped: strictly, it is a cross-correlation.

    Raises `InvalidArgument` unless there is one input, its rows are of one length, the kernel fits
    into it, and not too many products are asked for.
    """
    image = _image(request)
    kernel = _kernel(request)
    padded, before = _padded(image, kernel.shape, request.stride, request.padding)
    sizes = [
        _size(name, n, k, request.stride, request.padding)
        for name, n, k in zip(("height", "width"), image.shape, kernel.shape, strict=True)
    ]
    places = int(sizes[0].value * sizes[1].value)
    if places < 1:
        raise InvalidArgument.of(
            FieldError(
                "kernel",
                f"is {_by(kernel.shape)}, and does not fit into {_by(image.shape)} without padding",
            )
        )
    if places * kernel.size > MAX_PRODUCTS:
        raise InvalidArgument.of(
            FieldError(
                "kernel",
                f"makes {places * kernel.size} products, and at most {MAX_PRODUCTS} are written "
                "out: take a smaller image or kernel, or a longer stride",
            ),
            reason="limit_exceeded",
        )
    layer = Conv2d(1, kernel.shape, stride=_stride(request), padding=request.padding)
    weights = {"weight": kernel[:, :, None, None], "bias": np.array([request.bias])}
    output = apply_layer(layer, image[None, :, :, None], weights)[0, :, :, 0]
    windows = []
    for (row, column), result in np.ndenumerate(output):
        top, left = (
            place * step for place, step in zip((row, column), _stride(request), strict=True)
        )
        values = padded[top : top + kernel.shape[0], left : left + kernel.shape[1]]
        pairs = list(zip(kernel.ravel().tolist(), values.ravel().tolist(), strict=True))
        terms = sum_of_products(pairs, float(result), [request.bias] if request.bias else [])
        name = f"y{row},{column}"
        windows.append(
            Window(
                row=row,
                column=column,
                top=top,
                left=left,
                values=values.tolist(),
                products=(values * kernel + 0.0).tolist(),
                result=Quantity(
                    name=name,
                    value=float(result),
                    formula=f"{name} = Σ w·x + b over the window",
                    substituted=f"{name} = {terms} = {number(float(result))}",
                ),
            )
        )
    inputs = image.size
    dense = inputs * places + places
    return ConvolutionSimulation(
        kernel=kernel.tolist(),
        padded=padded.tolist(),
        padding_before=list(before),
        height=sizes[0],
        width=sizes[1],
        windows=windows,
        output=output.tolist(),
        parameters=Quantity(
            name="parameters",
            value=kernel.size + 1,
            formula="parameters = kernel height·kernel width + 1 bias, at every place the same",
            substituted=(
                f"parameters = {kernel.shape[0]}·{kernel.shape[1]} + 1 = {kernel.size + 1}"
            ),
        ),
        flops=Quantity(
            name="FLOPs",
            value=2 * kernel.size * places,
            formula="FLOPs = 2·(products)",
            substituted=f"FLOPs = 2·{kernel.size}·{places} = {2 * kernel.size * places}",
        ),
        verdict=(
            f"{_by(image.shape)} numbers become {_by(output.shape)}, by {kernel.size + 1} "
            f"parameters that all places share; a dense layer between as many would have {dense}."
        ),
    )


def pooling(request: SimulatePoolingRequest) -> PoolingSimulation:
    """Pooling, window by window: the largest number of each, or the mean.

    Raises `InvalidArgument` unless there is one input, its rows are of one length, and a window
    fits into it.
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
    if min(each.value for each in sizes) < 1:
        raise InvalidArgument.of(
            FieldError("size", f"is {request.size}, and does not fit into {_by(image.shape)}")
        )
    kind = MaxPool2d if request.kind == "max" else AveragePool2d
    output = apply_layer(kind(size, stride), image[None, :, :, None], {})[0, :, :, 0]
    seen = np.zeros(image.shape, bool)
    windows = []
    for (row, column), result in np.ndenumerate(output):
        top, left = row * stride[0], column * stride[1]
        part = np.s_[top : top + size[0], left : left + size[1]]
        seen[part] = True
        values = image[part]
        terms = [factor(value) for value in values.ravel().tolist()]
        name = f"y{row},{column}"
        written = (
            f"max({', '.join(number(value) for value in values.ravel().tolist())})"
            if request.kind == "max"
            else f"({' + '.join(terms)}) / {values.size}"
        )
        windows.append(
            Window(
                row=row,
                column=column,
                top=top,
                left=left,
                values=values.tolist(),
                products=[],
                result=Quantity(
                    name=name,
                    value=float(result),
                    formula=f"{name} = the {'largest' if request.kind == 'max' else 'mean'} of the "
                    "window",
                    substituted=f"{name} = {written} = {number(float(result))}",
                ),
            )
        )
    left_out = int((~seen).sum())
    return PoolingSimulation(
        height=sizes[0],
        width=sizes[1],
        windows=windows,
        output=output.tolist(),
        left_out=left_out,
        verdict=(
            f"{_by(image.shape)} numbers become {_by(output.shape)} without a single parameter"
            + (f"; {left_out} of them lie in no window." if left_out else ".")
        ),
    )


def _image(request: WindowedSpec) -> Array:
    if (request.image is None) == (request.signal is None):
        raise InvalidArgument.of(FieldError("image", "is needed, or a signal, and not both"))
    rows = [request.signal] if request.signal is not None else request.image
    assert rows is not None
    return _rows("image", rows, 32 if request.signal is None else 256)


def _rows(field: str, rows: list[list[float]], most: int) -> Array:
    lengths = {len(row) for row in rows}
    if len(lengths) > 1 or not 1 <= max(lengths) <= most:
        raise InvalidArgument.of(
            FieldError(field, f"must have rows of one length, of 1 to {most} numbers")
        )
    return np.array(rows, np.float64)


def _kernel(request: SimulateConvolutionRequest) -> Array:
    if request.kernel is not None and request.kernel_name is not None:
        raise InvalidArgument.of(FieldError("kernel", "is given by numbers or by name, not both"))
    is_signal = request.signal is not None
    if request.kernel is None:
        kernel = KERNELS[request.kernel_name or "edge"][is_signal]
        return np.array(kernel, np.float64)
    kernel_rows = _rows("kernel", request.kernel, 7)
    if is_signal and len(kernel_rows) > 1:
        raise InvalidArgument.of(FieldError("kernel", "must be one row for a signal"))
    return kernel_rows


def _stride(request: SimulateConvolutionRequest) -> tuple[int, int]:
    return (1 if request.signal is not None else request.stride), request.stride


def _padded(
    image: Array, kernel: tuple[int, ...], stride: int, padding: str
) -> tuple[Array, tuple[int, int]]:
    """The image with zeros around, as the layer has it, and how many come before."""
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
    if padding == "same":
        value, formula, numbers = -(-n // s), "⌈n / stride⌉", f"⌈{n} / {s}⌉"
    else:
        value = (n - k) // s + 1 if n >= k else 0
        formula, numbers = "⌊(n - k) / stride⌋ + 1", f"⌊({n} - {k}) / {s}⌋ + 1"
    return Quantity(
        name=name,
        value=value,
        formula=f"{name} = {formula}",
        substituted=f"{name} = {numbers} = {value}",
    )


def _by(shape: tuple[int, ...]) -> str:
    return f"{shape[0]}×{shape[1]}"
