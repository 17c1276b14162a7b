"""Layers without parameters: reshaping, slicing, merging, skip connections."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, ClassVar, NamedTuple

from ...symbolic.primitives import concatenate, cos, sin
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


class Term(NamedTuple):
    """A function of the features of a sample: function(factor · product of features)."""

    function: str
    """`sin`, `cos`, or nothing for the product itself."""
    factor: float
    features: tuple[int, ...]
    """One feature or two, counted from 0."""

    @classmethod
    def parse(cls, text: str) -> Term:
        """Return the term of that text. Raises ValueError."""
        match = re.fullmatch(TERM, text)
        if match is None:
            raise ValueError(f"each term {TERM_FORM}; got {text[:40]!r}")
        first, square, second, function, factor, feature = match.groups()
        names = [feature] if function else [first, first] if square else [first, second]
        features = tuple(int(name[1:]) - 1 for name in names if name)
        return cls(function or "", float(factor or 1.0), features)


_FEATURE = r"(x[1-9][0-9]{0,5})"
_FACTOR = r"([1-9][0-9]{0,3}(?:\.[0-9]{1,6})?|0\.[0-9]{0,5}[1-9])"
TERM = rf"(?:{_FEATURE}(?:(\^2)|\*{_FEATURE})?|(sin|cos)\((?:{_FACTOR}\*)?{_FEATURE}\))"
"""The regular expression of a term of `Features`."""
TERM_FORM = "must be written as x1, x1^2, x1*x2, sin(x1), cos(x1) or sin(2*x1)"


@dataclass(frozen=True)
class Features(Layer):
    """Computes functions of the features of each sample, such as their products and sines.

    A small network can then fit what it would need many units for.
    """

    type: ClassVar[str] = "features"
    terms: Annotated[tuple[str, ...], Items(1, 64)]
    """The outputs, each a function of the features `x1`, `x2`, …: `x1`, `x1^2`, `x1*x2`, `sin(x1)`,
    `cos(x1)`, or `sin(2*x1)` with a positive factor."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "terms", tuple(self.terms))
        super().__post_init__()
        for i, text in enumerate(self.terms):
            if text in self.terms[:i]:
                raise ValueError(f"each term stands once; got {text} again")
        self.parsed  # noqa: B018 (it raises an error for wrong terms)

    @cached_property
    def parsed(self) -> tuple[Term, ...]:
        """The terms in order."""
        return tuple(Term.parse(text) for text in self.terms)

    def forward(self, scope: Scope, x: Symbol) -> Symbol:
        """Map `(n, features)` to `(n, terms)`."""
        require(len(x.shape) == 2, "one axis of features: put a flatten layer before it")
        most = 1 + max(feature for term in self.parsed for feature in term.features)
        require(most <= x.shape[1], f"{most} features, for x{most}")
        return concatenate([self._value(term, x) for term in self.parsed], -1)

    def _value(self, term: Term, x: Symbol) -> Symbol:
        value, *others = (x.cut(1, i, i + 1) for i in term.features)
        for other in others:
            value = value * other
        if term.factor != 1.0:
            value = term.factor * value
        return {"sin": sin, "cos": cos}[term.function](value) if term.function else value


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
