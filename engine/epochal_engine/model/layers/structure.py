"""Layers without parameters: reshaping, slicing, merging, skip connections."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from ...symbolic.primitives import concatenate
from ...symbolic.trace import Symbol
from ..components import Items, Range
from .layer import Layer, Scope, require


@dataclass(frozen=True)
class Flatten(Layer):
    """Flattens each sample to one axis."""

    type: ClassVar[str] = "flatten"

    def forward(self, scope: Scope, x: Symbol) -> Symbol:
        """Map `(n, …)` to `(n, elements)`."""
        return x.reshape((x.shape[0], -1))


@dataclass(frozen=True)
class Reshape(Layer):
    """Reshapes each sample; the elements stay in order."""

    type: ClassVar[str] = "reshape"
    shape: Annotated[tuple[int, ...], Range(least=-1), Items(1, 4)]
    """The new shape of one sample. One length may be -1, which is then inferred."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", tuple(self.shape))
        super().__post_init__()
        if self.shape.count(-1) > 1 or 0 in self.shape:
            raise ValueError(
                f"shape must have positive lengths and at most one -1; got {self.shape}"
            )

    def forward(self, scope: Scope, x: Symbol) -> Symbol:
        """Map `(n, …)` to `(n, *shape)`."""
        elements, divisor = math.prod(x.shape[1:]), abs(math.prod(self.shape))
        fits = elements % divisor == 0 if -1 in self.shape else elements == divisor
        require(fits, f"as many elements as {self.shape} has")
        return x.reshape((x.shape[0], *self.shape))


@dataclass(frozen=True)
class Slice(Layer):
    """Selects a range along the first axis of each sample.

    It can feed an encoder and a decoder from one array.
    """

    type: ClassVar[str] = "slice"
    start: int
    """First index, counted from 0; negative indices count from the end."""
    stop: int | None = None
    """Index after the last one; negative indices count from the end. Defaults to the end."""

    def forward(self, scope: Scope, x: Symbol) -> Symbol:
        """Map `(n, length, …)` to `(n, stop - start, …)`."""
        start, stop, _ = slice(self.start, self.stop).indices(x.shape[1])
        require(start < stop, f"elements from {self.start} up to {self.stop}")
        return x.cut(1, start, stop)


@dataclass(frozen=True)
class Residual(Layer):
    """A residual (skip) connection: the input plus the inner layers' output (He et al. 2016)."""

    type: ClassVar[str] = "residual"
    steps: ClassVar[bool] = True
    layers: Annotated[tuple[Layer, ...], Items(1, 16)]
    """The inner layers, in forward order."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", tuple(self.layers))
        super().__post_init__()
        for name, layer in zip(position_names(self.layers), self.layers, strict=True):
            if layer.input is not None or layer.inputs[0] != 1:
                raise ValueError(
                    f"{name}: a layer within a residual has one input, the layer before it"
                )

    def forward(self, scope: Scope, x: Symbol) -> Symbol:
        """Return x + f(x), of the shape of x."""
        y = x
        for name, layer in zip(position_names(self.layers), self.layers, strict=True):
            require(scope.step is None or layer.steps, f"all positions at once, for {name}")
            y = layer.forward(scope.within(name), y)
        require(y.shape == x.shape, f"the shape {y.shape[1:]} of the output of its inner layers")
        return x + y


@dataclass(frozen=True)
class Concatenate(Layer):
    """Concatenates its inputs along the last axis."""

    type: ClassVar[str] = "concatenate"
    steps: ClassVar[bool] = True
    inputs: ClassVar[tuple[int, int]] = (2, 64)

    def forward(self, scope: Scope, *xs: Symbol) -> Symbol:
        """Map several `(n, …, features)` to `(n, …, all features)`."""
        require(len({x.shape[:-1] for x in xs}) == 1, "inputs that differ in their last axis only")
        return concatenate(xs, -1)


@dataclass(frozen=True)
class Add(Layer):
    """Adds its inputs."""

    type: ClassVar[str] = "add"
    steps: ClassVar[bool] = True
    inputs: ClassVar[tuple[int, int]] = (2, 64)

    def forward(self, scope: Scope, x: Symbol, *others: Symbol) -> Symbol:
        """Return the sum of arrays of one shape."""
        require(all(other.shape == x.shape for other in others), "inputs of one shape")
        for other in others:
            x = x + other
        return x


def position_names(layers: Sequence[Layer]) -> tuple[str, ...]:
    """Return the layers' names: their own, or type and position, counted from 1."""
    return tuple(layer.name or f"{layer.type}_{i}" for i, layer in enumerate(layers, 1))
