"""A window that slides over a signal or an image, as it may be asked for."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from epochal_engine.layers.convolution import Padding

from ..base import Reply, Spec
from .quantity import Quantity
from .small_network import Value

KernelName = Literal["edge", "vertical_edge", "horizontal_edge", "blur", "sharpen", "identity"]
PoolingKind = Literal["max", "average"]


class WindowedSpec(Spec):
    """Exactly one of `image` and `signal`; rows of an image are of one length."""

    image: list[list[Value]] | None = Field(default=None, min_length=1, max_length=32)
    """At most 32 rows of 32 pixels."""
    signal: list[Value] | None = Field(default=None, min_length=1, max_length=256)
    """At most 256 numbers in a row."""


class SimulateConvolutionRequest(WindowedSpec):
    """An image or a signal, and a kernel: given, or by its name."""

    kernel: list[list[Value]] | None = Field(default=None, min_length=1, max_length=7)
    """Rows of at most 7 numbers; one row for a signal."""
    kernel_name: KernelName | None = None
    """`edge` if there is no kernel at all. Of 3 by 3 numbers, of 3 for a signal."""
    bias: Value = 0.0
    """What is added to the sum of every window."""
    stride: int = Field(default=1, ge=1, le=8)
    """How far the window moves from one place to the next."""
    padding: Padding = "valid"
    """`valid`: windows lie within; `same`: zeros around give one for every `stride` pixels."""


class SimulatePoolingRequest(WindowedSpec):
    """An image or a signal, and the size of the windows."""

    kind: PoolingKind = "max"
    """What is taken of each window: its largest number, or the mean of all."""
    size: int = Field(default=2, ge=1, le=8)
    """The side of the square window; of a signal its length."""
    stride: int | None = Field(default=None, ge=1, le=8)
    """The size, if it is not given: windows side by side."""


class Window(Reply):
    """One place of the window."""

    row: int
    """Of the output, counted from 0."""
    column: int
    """Of the output, counted from 0."""
    top: int
    """The window's first row in the padded input, counted from 0."""
    left: int
    """The window's first column in the padded input, counted from 0."""
    values: list[list[float]]
    """What lies in the window."""
    products: list[list[float]]
    """Each value times its weight; empty for pooling."""
    result: Quantity
    """The number that the output has at this place."""


class ConvolutionSimulation(Reply):
    """A convolution, window by window."""

    kernel: list[list[float]]
    """The weights, by which every window is multiplied; one row for a signal."""
    padded: list[list[float]]
    """The input with its zeros around; a signal is one row."""
    padding_before: list[int]
    """Rows above and columns to the left that are zeros."""
    height: Quantity
    """Rows of the output; 1 for a signal."""
    width: Quantity
    """Columns of the output."""
    windows: list[Window]
    """Row by row, from left to right: one for each number of the output."""
    output: list[list[float]]
    """`height` rows of `width` numbers."""
    parameters: Quantity
    """The kernel's numbers and one bias, which all places share."""
    flops: Quantity
    """Multiplications and additions of all windows; the bias is not counted."""
    verdict: str
    """What goes in, what comes out, and how many parameters a dense layer would need for it."""


class PoolingSimulation(Reply):
    """Pooling, window by window."""

    height: Quantity
    """Rows of the output; 1 for a signal."""
    width: Quantity
    """Columns of the output."""
    windows: list[Window]
    """Row by row, from left to right: one for each number of the output."""
    output: list[list[float]]
    """`height` rows of `width` numbers."""
    left_out: int
    """Numbers of the input that lie in no window."""
    verdict: str
    """What goes in, what comes out, and what lies in no window."""
