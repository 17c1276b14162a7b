"""Requests and replies of the convolution explorers: convolution, and pooling."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field

from epochal_engine.model import Padding
from epochal_service.specs.base import Reply, Spec, exactly_one

from .quantity import Quantity
from .small_network import Value

KernelName = Literal["edge", "vertical_edge", "horizontal_edge", "blur", "sharpen", "identity"]
PoolingKind = Literal["max", "average"]


class WindowedSpec(Spec):
    """An input: exactly one of `image` and `signal`."""

    model_config = ConfigDict(json_schema_extra=exactly_one("image", "signal"))

    image: list[list[Value]] | None = Field(default=None, min_length=1, max_length=32)
    """The image: 1 to 32 rows of 1 to 32 pixels, all of equal length."""
    signal: list[Value] | None = Field(default=None, min_length=1, max_length=256)
    """The signal: 1 to 256 numbers."""


class SimulateConvolutionRequest(WindowedSpec):
    """An input, and a kernel: `kernel` or `kernel_name`."""

    kernel: list[list[Value]] | None = Field(default=None, min_length=1, max_length=7)
    """The kernel (filter): 1 to 7 rows of 1 to 7 numbers; one row for a signal."""
    kernel_name: KernelName | None = None
    """The name of a kernel of 3 by 3 numbers, or of 3 numbers for a signal. Default `edge`."""
    bias: Value = 0.0
    """The bias, added to each output. Default 0."""
    stride: int = Field(default=1, ge=1, le=8)
    """The stride: the step of the window. Default 1."""
    padding: Padding = "valid"
    """The padding. `valid`: none; `same`: zeros around the input, so that the output has its size
    divided by the stride. Default `valid`."""


class SimulatePoolingRequest(WindowedSpec):
    """An input, and the size of the windows."""

    kind: PoolingKind = "max"
    """The kind of pooling: the maximum or the mean of each window. Default `max`."""
    size: int = Field(default=2, ge=1, le=8)
    """The side of the square window, or its length for a signal. Default 2."""
    stride: int | None = Field(default=None, ge=1, le=8)
    """The stride: the step of the window. Defaults to `size`."""


class Window(Reply):
    """One position of the window."""

    row: int
    """Row of the output, from 0."""
    column: int
    """Column of the output, from 0."""
    top: int
    """First row of the window in the padded input, from 0."""
    left: int
    """First column of the window in the padded input, from 0."""
    values: list[list[float]]
    """The numbers in the window."""
    products: list[list[float]]
    """Each number times its weight; empty for pooling."""
    output: Quantity
    """The output at this position."""


class ConvolutionSimulation(Reply):
    """A convolution, window by window."""

    kernel: list[list[float]]
    """The kernel (filter); one row for a signal."""
    padded_input: list[list[float]]
    """The input with its zero padding; one row for a signal."""
    padding_before: list[int]
    """Number of padding rows above and padding columns to the left."""
    height: Quantity
    """Number of output rows; 1 for a signal."""
    width: Quantity
    """Number of output columns."""
    windows: list[Window]
    """The windows in row-major order, one for each number of the output."""
    output: list[list[float]]
    """The output (feature map): `height` rows of `width` numbers."""
    parameters: Quantity
    """Number of parameters: the kernel and one bias, shared by all positions."""
    flops: Quantity
    """Multiplications and additions of all windows. The bias is not counted."""
    verdict: str
    """Sizes of input and output, and the parameters of a dense layer of the same size, in a
    sentence."""


class PoolingSimulation(Reply):
    """Pooling, window by window."""

    height: Quantity
    """Number of output rows; 1 for a signal."""
    width: Quantity
    """Number of output columns."""
    windows: list[Window]
    """The windows in row-major order, one for each number of the output."""
    output: list[list[float]]
    """The output (feature map): `height` rows of `width` numbers."""
    unused_inputs: int
    """Number of inputs that are in no window."""
    verdict: str
    """Sizes of input and output, and how many inputs are in no window, in a sentence."""
