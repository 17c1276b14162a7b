"""Section 9 of the journey: convolution and pooling, window by window."""

from __future__ import annotations

from dataclasses import dataclass

from ..records import Floats, Ints
from .quantity import Quantity


@dataclass(frozen=True)
class Window:
    """One place of the window."""

    row: int
    """Of the output, counted from 0."""
    column: int
    top: int
    """The window's first row in the padded input, counted from 0."""
    left: int
    values: tuple[Floats, ...]
    """What lies in the window."""
    products: tuple[Floats, ...]
    """Each value times its weight; empty for pooling."""
    result: Quantity


@dataclass(frozen=True)
class ConvolutionSimulation:
    """A convolution, window by window."""

    kernel: tuple[Floats, ...]
    padded: tuple[Floats, ...]
    """The input with its zeros around; a signal is one row."""
    padding_before: Ints
    """Rows above and columns to the left that are zeros."""
    height: Quantity
    width: Quantity
    windows: tuple[Window, ...]
    output: tuple[Floats, ...]
    parameters: Quantity
    flops: Quantity
    verdict: str


@dataclass(frozen=True)
class PoolingSimulation:
    """Pooling, window by window."""

    height: Quantity
    width: Quantity
    windows: tuple[Window, ...]
    output: tuple[Floats, ...]
    left_out: int
    """Numbers of the input that lie in no window."""
    verdict: str
