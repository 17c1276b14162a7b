"""Layers that learn nothing of their own: other shapes, other paths."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from ..primitives import concatenate
from ..trace import Shape, Symbol
from .layer import Layer, Scope, require


@dataclass(frozen=True)
class Flatten(Layer):
    """All elements of a sample along one axis."""

    type: ClassVar[str] = "flatten"

    def forward(self, scope: Scope, x: Symbol) -> Symbol:
        """From `(n, …)` to `(n, elements)`."""
        return x.reshape((x.shape[0], -1))


@dataclass(frozen=True)
class Reshape(Layer):
    """A sample's elements, in their order, along other axes; one length may be -1: the rest."""

    type: ClassVar[str] = "reshape"
    shape: Shape

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", tuple(self.shape))
        if self.shape.count(-1) > 1 or any(n < 1 and n != -1 for n in self.shape):
            raise ValueError("a shape has positive lengths, of which one may be left open by -1")

    def forward(self, scope: Scope, x: Symbol) -> Symbol:
        """From `(n, …)` to `(n, *shape)`."""
        elements, asked = math.prod(x.shape[1:]), abs(math.prod(self.shape))
        fits = elements % asked == 0 if -1 in self.shape else elements == asked
        require(fits, f"as many elements as {self.shape} has")
        return x.reshape((x.shape[0], *self.shape))


@dataclass(frozen=True)
class Slice(Layer):
    """The part of each sample from `start` up to, not including, `stop` along its first axis.

    Both count from the end where they are negative; `stop` None is the end. So an encoder and a
    decoder can be fed from one array.
    """

    type: ClassVar[str] = "slice"
    start: int
    stop: int | None = None

    def forward(self, scope: Scope, x: Symbol) -> Symbol:
        """From `(n, length, …)` to `(n, stop - start, …)`."""
        start, stop, _ = slice(self.start, self.stop).indices(x.shape[1])
        require(start < stop, f"elements from {self.start} up to {self.stop}")
        return x.cut(1, start, stop)


@dataclass(frozen=True)
class Residual(Layer):
    """Adds what the inner layers make of its input to that input (He et al., 2016)."""

    type: ClassVar[str] = "residual"
    layers: tuple[Layer, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", tuple(self.layers))
        if not self.layers:
            raise ValueError("a residual needs at least one layer within")
        for name, layer in zip(position_names(self.layers), self.layers, strict=True):
            if layer.input is not None or layer.inputs[0] != 1:
                raise ValueError(f"{name}: layers within a residual follow one another")

    def forward(self, scope: Scope, x: Symbol) -> Symbol:
        """x + f(x), of the shape of x."""
        y = x
        for name, layer in zip(position_names(self.layers), self.layers, strict=True):
            y = layer.forward(scope.within(name), y)
        require(y.shape == x.shape, f"the shape {y.shape[1:]} that its inner layers give")
        return x + y


@dataclass(frozen=True)
class Concatenate(Layer):
    """Its inputs one after the other along the last axis."""

    type: ClassVar[str] = "concatenate"
    inputs: ClassVar[tuple[int, int]] = (2, 64)

    def forward(self, scope: Scope, *xs: Symbol) -> Symbol:
        """From several `(n, …, features)` to `(n, …, all features)`."""
        require(len({x.shape[:-1] for x in xs}) == 1, "inputs that differ in their last axis only")
        return concatenate(xs, -1)


@dataclass(frozen=True)
class Add(Layer):
    """The sum of its inputs."""

    type: ClassVar[str] = "add"
    inputs: ClassVar[tuple[int, int]] = (2, 64)

    def forward(self, scope: Scope, x: Symbol, *others: Symbol) -> Symbol:
        """The sum of several arrays of one shape."""
        require(all(other.shape == x.shape for other in others), "inputs of one shape")
        for other in others:
            x = x + other
        return x


def position_names(layers: Sequence[Layer]) -> tuple[str, ...]:
    """The layers' names: their own, or type and position, counted from 1 over all layers."""
    return tuple(layer.name or f"{layer.type}_{i}" for i, layer in enumerate(layers, 1))
