"""Fewer places: one number stands for all in a window."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import ClassVar

from ..primitives import largest, maximum, mean_to, positive_part
from ..trace import Symbol
from .convolution import Pair, pair
from .layer import Layer, Scope, check_counts, require


@dataclass(frozen=True)
class _Pooling(Layer):
    pool_size: Pair = 2
    stride: Pair | None = None

    def __post_init__(self) -> None:
        for name in ("pool_size", "stride"):
            numbers = getattr(self, name)
            if numbers is None:
                continue
            if not isinstance(numbers, int):
                object.__setattr__(self, name, pair(numbers))
            check_counts(**{name: min(pair(numbers))})

    def _windows(self, image: Symbol) -> list[Symbol]:
        """What stands at each place of every window of `(height, channels, width, n)`.

        One array for each place.
        """
        parts = [image]
        sizes = pair(self.pool_size)
        for axis, size, step in zip(
            (0, 2), sizes, pair(self.stride or self.pool_size), strict=True
        ):
            length = parts[0].shape[axis]
            require(length >= size, f"at least {size} places for its window")
            last = (length - size) // step * step
            parts = [
                part.cut(axis, offset, offset + last + 1, step)
                for part in parts
                for offset in range(size)
            ]
        return parts


def _image(x: Symbol) -> Symbol:
    """From `(n, height, width, channels)` to the axes in which convolutions lay out images."""
    require(len(x.shape) == 4, "an image, (height, width, channels)")
    return x.permute((1, 3, 2, 0))


def _apart(image: Symbol) -> tuple[Symbol, Callable[[Symbol], Symbol]]:
    """The image before its positive part was taken or a bias added, and what does so again.

    Neither changes the order of the numbers in a window: of relu(z + b) the largest is
    relu(largest z + b), and there are fewer of those.
    """
    match "" if image.primitive is None else image.primitive.name:
        case "positive_part":
            before, again = _apart(image.inputs[0])
            return before, lambda x: positive_part(again(x))
        case "add" if image.inputs[0].shape == image.shape:
            bias = image.inputs[1]
            if bias.shape == (1, image.shape[1], 1, 1):
                before, again = _apart(image.inputs[0])
                return before, lambda x: again(x) + bias
    return image, lambda x: x


@dataclass(frozen=True)
class MaxPool2d(_Pooling):
    """The largest number in every window of an image; what does not fill a window is left out.

    The stride None is the size of the window.
    """

    type: ClassVar[str] = "max_pool2d"

    def forward(self, scope: Scope, x: Symbol) -> Symbol:
        """From `(n, height, width, channels)` to fewer of both."""
        before, again = _apart(_image(x))
        return again(reduce(maximum, self._windows(before))).permute((3, 0, 2, 1))


@dataclass(frozen=True)
class AveragePool2d(_Pooling):
    """The mean of every window of an image; otherwise as `MaxPool2d`."""

    type: ClassVar[str] = "average_pool2d"

    def forward(self, scope: Scope, x: Symbol) -> Symbol:
        """From `(n, height, width, channels)` to fewer of both."""
        parts = self._windows(_image(x))
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
    """The largest number in every window of a sequence; otherwise as `MaxPool2d`."""

    type: ClassVar[str] = "max_pool1d"
    pool_size: int = 2
    stride: int | None = None

    def forward(self, scope: Scope, x: Symbol) -> Symbol:
        """From `(n, length, channels)` to a smaller length."""
        return _along_a_sequence(MaxPool2d, self, scope, x)


@dataclass(frozen=True)
class AveragePool1d(_Pooling):
    """The mean of every window of a sequence; otherwise as `MaxPool2d`."""

    type: ClassVar[str] = "average_pool1d"
    pool_size: int = 2
    stride: int | None = None

    def forward(self, scope: Scope, x: Symbol) -> Symbol:
        """From `(n, length, channels)` to a smaller length."""
        return _along_a_sequence(AveragePool2d, self, scope, x)


def _places(x: Symbol) -> tuple[int, ...]:
    require(len(x.shape) >= 3, "at least one axis of places before the channels")
    return tuple(range(1, len(x.shape) - 1))


@dataclass(frozen=True)
class GlobalMaxPool(Layer):
    """The largest number of every channel."""

    type: ClassVar[str] = "global_max_pool"

    def forward(self, scope: Scope, x: Symbol) -> Symbol:
        """From `(n, …, channels)` to `(n, channels)`."""
        return largest(x, _places(x)).reshape((x.shape[0], x.shape[-1]))


@dataclass(frozen=True)
class GlobalAveragePool(Layer):
    """The mean of every channel (Lin, Chen and Yan, 2014)."""

    type: ClassVar[str] = "global_average_pool"

    def forward(self, scope: Scope, x: Symbol) -> Symbol:
        """From `(n, …, channels)` to `(n, channels)`."""
        ones = (1,) * len(_places(x))
        return mean_to(x, (x.shape[0], *ones, x.shape[-1])).reshape((x.shape[0], x.shape[-1]))
