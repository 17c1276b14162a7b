"""Pooling: each window of positions becomes one number per channel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import ClassVar

from ...symbolic.primitives import (
    largest,
    largest_in_windows,
    mean_to,
    positive_part,
    window_parts,
)
from ...symbolic.trace import Symbol
from .convolution import Pair, Single, pair
from .layer import Layer, Scope, require


@dataclass(frozen=True)
class _Pooling(Layer):
    pool_size: Pair = 2
    """Size of the window: one number, or height and width. Default 2."""
    stride: Pair | None = None
    """Positions from one window to the next: one number, or height and width. Defaults to the
    size of the window.
    """

    def __post_init__(self) -> None:
        for name in ("pool_size", "stride"):
            numbers = getattr(self, name)
            if numbers is not None and not isinstance(numbers, int):
                object.__setattr__(self, name, pair(numbers))
        super().__post_init__()

    def _windows(self, image: Symbol) -> tuple[tuple[int, int], tuple[int, int]]:
        """Return size and stride of the windows, which fit `(height, channels, width, n)`."""
        sizes = pair(self.pool_size)
        for axis, size in zip((0, 2), sizes, strict=True):
            require(image.shape[axis] >= size, f"at least {size} positions for its window")
        return sizes, pair(self.stride or self.pool_size)


def _image(x: Symbol) -> Symbol:
    """Map `(n, height, width, channels)` to the order of axes that convolutions use."""
    require(len(x.shape) == 4, "an image, (height, width, channels)")
    return x.permute((1, 3, 2, 0))


def _without_relu_and_bias(image: Symbol) -> tuple[Symbol, Callable[[Symbol], Symbol]]:
    """Return the image before a relu or a bias, and a function that applies these.

    Neither changes the order of the numbers in a window: the maximum of relu(z + b) is
    relu(max z + b), which takes fewer operations.
    """
    match "" if image.primitive is None else image.primitive.name:
        case "positive_part":
            before, reapply = _without_relu_and_bias(image.inputs[0])
            return before, lambda x: positive_part(reapply(x))
        case "add" if image.inputs[0].shape == image.shape:
            bias = image.inputs[1]
            if bias.shape == (1, image.shape[1], 1, 1):
                before, reapply = _without_relu_and_bias(image.inputs[0])
                return before, lambda x: reapply(x) + bias
    return image, lambda x: x


@dataclass(frozen=True)
class MaxPool2d(_Pooling):
    """Max pooling: the maximum of each window of an image.

    Positions that do not fill a window are dropped.
    """

    type: ClassVar[str] = "max_pool2d"

    def forward(self, scope: Scope, x: Symbol) -> Symbol:
        """Map `(n, height, width, channels)` to a smaller height and width."""
        before, reapply = _without_relu_and_bias(_image(x))
        largest = largest_in_windows(before, *self._windows(before))
        return reapply(largest).permute((3, 0, 2, 1))


@dataclass(frozen=True)
class AveragePool2d(_Pooling):
    """Average pooling: the mean of each window of an image."""

    type: ClassVar[str] = "average_pool2d"

    def forward(self, scope: Scope, x: Symbol) -> Symbol:
        """Map `(n, height, width, channels)` to a smaller height and width."""
        image = _image(x)
        parts = window_parts(image, *self._windows(image))
        total = reduce(Symbol.__add__, parts)
        return (total * (1.0 / len(parts))).permute((3, 0, 2, 1))


def _along_a_sequence(
    pool: Callable[[Pair, Pair], MaxPool2d | AveragePool2d],
    layer: _Pooling,
    scope: Scope,
    x: Symbol,
) -> Symbol:
    require(len(x.shape) == 3, "a sequence, (length, channels)")
    n, length, channels = x.shape
    assert isinstance(layer.pool_size, int)
    stride = layer.stride or layer.pool_size
    assert isinstance(stride, int)
    image = x.reshape((n, length, 1, channels))
    y = pool((layer.pool_size, 1), (stride, 1)).forward(scope, image)
    return y.reshape((n, y.shape[1], channels))


@dataclass(frozen=True)
class MaxPool1d(_Pooling):
    """Max pooling: the maximum of each window of a sequence."""

    type: ClassVar[str] = "max_pool1d"
    pool_size: Single = 2
    """Length of the window. Default 2."""
    stride: Single | None = None
    """Positions from one window to the next. Defaults to the length of the window."""

    def forward(self, scope: Scope, x: Symbol) -> Symbol:
        """Map `(n, length, channels)` to a smaller length."""
        return _along_a_sequence(MaxPool2d, self, scope, x)


@dataclass(frozen=True)
class AveragePool1d(_Pooling):
    """Average pooling: the mean of each window of a sequence."""

    type: ClassVar[str] = "average_pool1d"
    pool_size: Single = 2
    """Length of the window. Default 2."""
    stride: Single | None = None
    """Positions from one window to the next. Defaults to the length of the window."""

    def forward(self, scope: Scope, x: Symbol) -> Symbol:
        """Map `(n, length, channels)` to a smaller length."""
        return _along_a_sequence(AveragePool2d, self, scope, x)


def _positions(x: Symbol) -> tuple[int, ...]:
    require(len(x.shape) >= 3, "at least one axis of positions before the channels")
    return tuple(range(1, len(x.shape) - 1))


@dataclass(frozen=True)
class GlobalMaxPool(Layer):
    """Global max pooling: the maximum of each channel over all positions."""

    type: ClassVar[str] = "global_max_pool"

    def forward(self, scope: Scope, x: Symbol) -> Symbol:
        """Map `(n, …, channels)` to `(n, channels)`."""
        return largest(x, _positions(x)).reshape((x.shape[0], x.shape[-1]))


@dataclass(frozen=True)
class GlobalAveragePool(Layer):
    """Global average pooling: the mean of each channel over all positions (Lin et al. 2014)."""

    type: ClassVar[str] = "global_average_pool"

    def forward(self, scope: Scope, x: Symbol) -> Symbol:
        """Map `(n, …, channels)` to `(n, channels)`."""
        ones = (1,) * len(_positions(x))
        return mean_to(x, (x.shape[0], *ones, x.shape[-1])).reshape((x.shape[0], x.shape[-1]))
