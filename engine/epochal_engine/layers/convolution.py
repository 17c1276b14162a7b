"""The same small weighted sum at every place of a signal or an image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

from ..activations import ACTIVATIONS
from ..initializers import usual_initializer
from ..primitives import convolve, place
from ..trace import Symbol
from .layer import Layer, Scope, check_counts, check_gain, check_words, drawn, require, zeros

Padding: TypeAlias = Literal["valid", "same"]
Pair: TypeAlias = int | tuple[int, int]
"""One number for both axes, or one for each: height, width."""


def pair(numbers: Pair | Sequence[int]) -> tuple[int, int]:
    """Height and width."""
    if isinstance(numbers, int):
        return numbers, numbers
    height, width = numbers
    return height, width


@dataclass(frozen=True)
class _Convolution(Layer):
    filters: int
    kernel_size: Pair
    stride: Pair = 1
    padding: Padding = "valid"
    activation: str = "linear"
    use_bias: bool = True
    initializer: str | None = None
    initializer_gain: float = 1.0

    def __post_init__(self) -> None:
        for name in ("kernel_size", "stride"):
            numbers = getattr(self, name)
            if not isinstance(numbers, int):
                object.__setattr__(self, name, pair(numbers))
            check_counts(**{name: min(pair(numbers))})
        check_counts(filters=self.filters)
        if self.padding not in ("valid", "same"):
            raise ValueError('padding is "valid" or "same"')
        check_words(self.activation, self.initializer)
        check_gain(self.initializer_gain)

    @property
    def initializer_name(self) -> str:
        """The name of the initializer in effect."""
        return self.initializer or usual_initializer(self.activation)

    def _padded(self, x: Symbol, axis: int, kernel: int, stride: int) -> Symbol:
        """x with zeros before and after, so that there are ⌈length / stride⌉ windows."""
        length = x.shape[axis]
        windows = -(-length // stride)
        missing = max((windows - 1) * stride + kernel - length, 0)
        if self.padding == "valid" or missing == 0:
            require(length >= kernel, f"at least {kernel} places for its kernel")
            return x
        shape = tuple(n + missing if i == axis else n for i, n in enumerate(x.shape))
        return place(shape, axis, [(x, missing // 2, 1)])

    def _forward(self, scope: Scope, x: Symbol, weight: Symbol, stride: tuple[int, int]) -> Symbol:
        """From `(n, height, width, channels)` to `(n, height, width, filters)`."""
        x = x.permute((1, 3, 2, 0))
        for axis, kernel, step in zip((0, 2), weight.shape, stride, strict=False):
            x = self._padded(x, axis, kernel, step)
        z = convolve(x, weight, stride).permute((3, 0, 2, 1))
        if self.use_bias:
            z = z + scope.parameter("bias", (self.filters,), zeros)
        return ACTIVATIONS[self.activation].traced(z)


@dataclass(frozen=True)
class Conv2d(_Convolution):
    """Each filter weighs a window of an image, at every place.

    With padding "same", zeros around the image give one place for every `stride` pixels; with
    "valid" only windows count that lie within. Kernels are `(height, width, channels, filters)`.
    First weights are as those of `Dense`; biases start at zero.
    """

    type: ClassVar[str] = "conv2d"

    def forward(self, scope: Scope, x: Symbol) -> Symbol:
        """From `(n, height, width, channels)` to `(n, height, width, filters)`."""
        require(len(x.shape) == 4, "an image, (height, width, channels)")
        shape = (*pair(self.kernel_size), x.shape[3], self.filters)
        first = drawn(self.initializer_name, self.initializer_gain)
        weight = scope.parameter("weight", shape, first)
        return self._forward(scope, x, weight, pair(self.stride))


@dataclass(frozen=True)
class Conv1d(_Convolution):
    """Each filter weighs a window of a sequence, at every place; otherwise as `Conv2d`.

    Kernels are `(length, channels, filters)`.
    """

    type: ClassVar[str] = "conv1d"
    kernel_size: int
    stride: int = 1

    def forward(self, scope: Scope, x: Symbol) -> Symbol:
        """From `(n, length, channels)` to `(n, length, filters)`."""
        require(len(x.shape) == 3, "a sequence, (length, channels)")
        n, length, channels = x.shape
        shape = (self.kernel_size, channels, self.filters)
        first = drawn(self.initializer_name, self.initializer_gain)
        weight = scope.parameter("weight", shape, first)
        weight = weight.reshape((shape[0], 1, *shape[1:]))
        y = self._forward(scope, x.reshape((n, length, 1, channels)), weight, (self.stride, 1))
        return y.reshape((n, y.shape[1], self.filters))
