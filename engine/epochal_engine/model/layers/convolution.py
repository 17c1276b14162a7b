"""Convolutions: the same small weighted sum at every position of a sequence or an image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, TypeAlias

from ...symbolic.primitives import convolve, place
from ...symbolic.trace import Symbol
from ..activations import ACTIVATIONS
from ..components import PerAxis, Range
from .layer import (
    ActivationName,
    Count,
    Gain,
    InitializerName,
    Layer,
    Scope,
    drawn,
    require,
    zeros,
)

Padding: TypeAlias = Literal["valid", "same"]
Pair: TypeAlias = Annotated[int | tuple[int, int], Range(least=1), PerAxis(2)]
"""One number for both axes, or height and width."""
Single: TypeAlias = Annotated[int, Range(least=1), PerAxis(1)]
"""The same for one axis."""


def pair(numbers: int | Sequence[int]) -> tuple[int, int]:
    """Return height and width."""
    if isinstance(numbers, int):
        return numbers, numbers
    height, width = numbers
    return height, width


@dataclass(frozen=True)
class _Convolution(Layer):
    filters: Count
    """Number of filters, which is the number of output channels."""
    kernel_size: Pair
    """Size of the window: one number, or height and width."""
    stride: Pair = 1
    """Positions from one window to the next: one number, or height and width. Default 1."""
    padding: Padding = "valid"
    """`valid` for windows inside the input only; `same` for zeros around it, which keep its size at
    stride 1. Default `valid`.
    """
    activation: ActivationName = "linear"
    """The activation, applied to each output. Default `linear`."""
    use_bias: bool = True
    """Whether each filter adds a bias, initially 0. Default true."""
    initializer: InitializerName | None = None
    """The initializer of the weights. Default by the activation: He for the relu family,
    LeCun for selu, Xavier for the others.
    """
    initializer_gain: Gain = 1.0
    """Factor applied to the initial weights. In [0, 1e6]. Default 1."""

    def __post_init__(self) -> None:
        for name in ("kernel_size", "stride"):
            numbers = getattr(self, name)
            if not isinstance(numbers, int):
                object.__setattr__(self, name, pair(numbers))
        super().__post_init__()

    @property
    def initializer_name(self) -> str:
        """The name of the initializer in effect."""
        return self.initializer or ACTIVATIONS[self.activation].default_initializer

    def _padded(self, x: Symbol, axis: int, kernel: int, stride: int) -> Symbol:
        """Return x with zeros before and after, so that there are ⌈length / stride⌉ windows."""
        length = x.shape[axis]
        windows = -(-length // stride)
        missing = max((windows - 1) * stride + kernel - length, 0)
        if self.padding == "valid" or missing == 0:
            require(length >= kernel, f"at least {kernel} positions for its kernel")
            return x
        shape = tuple(n + missing if i == axis else n for i, n in enumerate(x.shape))
        return place(shape, axis, [(x, missing // 2, 1)])

    def _forward(self, scope: Scope, x: Symbol, weight: Symbol, stride: tuple[int, int]) -> Symbol:
        """Map `(n, height, width, channels)` to `(n, height, width, filters)`."""
        x = x.permute((1, 3, 2, 0))
        for axis, kernel, step in zip((0, 2), weight.shape, stride, strict=False):
            x = self._padded(x, axis, kernel, step)
        z = convolve(x, weight, stride).permute((3, 0, 2, 1))
        if self.use_bias:
            z = z + scope.parameter("bias", (self.filters,), zeros)
        return ACTIVATIONS[self.activation].traced(z)


@dataclass(frozen=True)
class Conv2d(_Convolution):
    """A convolution of an image `(height, width, channels)` (LeCun et al. 1989).

    Kernels are `(height, width, channels, filters)`.
    """

    type: ClassVar[str] = "conv2d"

    def forward(self, scope: Scope, x: Symbol) -> Symbol:
        """Map `(n, height, width, channels)` to `(n, height, width, filters)`."""
        require(len(x.shape) == 4, "an image, (height, width, channels)")
        shape = (*pair(self.kernel_size), x.shape[3], self.filters)
        initial = drawn(self.initializer_name, self.initializer_gain)
        weight = scope.parameter("weight", shape, initial)
        return self._forward(scope, x, weight, pair(self.stride))


@dataclass(frozen=True)
class Conv1d(_Convolution):
    """A convolution of a sequence `(length, channels)`.

    Kernels are `(length, channels, filters)`.
    """

    type: ClassVar[str] = "conv1d"
    kernel_size: Single
    """Length of the window."""
    stride: Single = 1
    """Positions from one window to the next. Default 1."""

    def forward(self, scope: Scope, x: Symbol) -> Symbol:
        """Map `(n, length, channels)` to `(n, length, filters)`."""
        require(len(x.shape) == 3, "a sequence, (length, channels)")
        n, length, channels = x.shape
        shape = (self.kernel_size, channels, self.filters)
        initial = drawn(self.initializer_name, self.initializer_gain)
        weight = scope.parameter("weight", shape, initial)
        weight = weight.reshape((shape[0], 1, *shape[1:]))
        y = self._forward(scope, x.reshape((n, length, 1, channels)), weight, (self.stride, 1))
        return y.reshape((n, y.shape[1], self.filters))
