"""From symbols to vectors: what stands at a place, and which place it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from ..primitives import take_rows
from ..trace import Array, Shape, Symbol, constant
from .layer import Layer, Scope, check_counts, require


def _standard_normal(shape: Shape, rng: np.random.Generator) -> Array:
    return rng.normal(size=shape)


@dataclass(frozen=True)
class Embedding(Layer):
    """A vector for every token of a vocabulary.

    Tokens are whole numbers from 0 up to `vocabulary` - 1, kept as floats; others stand for the
    nearest of these. The first vectors are drawn from the standard normal distribution, as
    PyTorch's are.
    """

    type: ClassVar[str] = "embedding"
    vocabulary: int
    units: int

    def __post_init__(self) -> None:
        check_counts(vocabulary=self.vocabulary, units=self.units)

    def forward(self, scope: Scope, x: Symbol) -> Symbol:
        """From tokens `(n, …)` to vectors `(n, …, units)`."""
        table = scope.parameter("weight", (self.vocabulary, self.units), _standard_normal)
        return take_rows(table, x)


@dataclass(frozen=True)
class PositionalEncoding(Layer):
    """Adds to the vector at every place of a sequence one that stands for the place.

    Either sines and cosines of wavelengths from 2π to 2π · 10,000 (Vaswani et al., 2017), or
    learned vectors, drawn at first like those of an `Embedding`.
    """

    type: ClassVar[str] = "positional_encoding"
    kind: Literal["sinusoidal", "learned"] = "sinusoidal"

    def __post_init__(self) -> None:
        if self.kind not in ("sinusoidal", "learned"):
            raise ValueError('a positional encoding is "sinusoidal" or "learned"')

    def forward(self, scope: Scope, x: Symbol) -> Symbol:
        """x + p, of the shape of x, `(n, length, units)`."""
        require(len(x.shape) == 3, "a sequence of vectors, (length, units)")
        _, length, units = x.shape
        if self.kind == "learned":
            return x + scope.parameter("position", (length, units), _standard_normal)
        return x + constant(sinusoids(length, units))


def sinusoids(length: int, units: int) -> Array:
    """The places 0, 1, … as vectors, `(length, units)`: sin and cos of place / 10,000^(2i/units).

    Sines are at even units 2i, cosines at the odd ones after them.
    """
    unit = np.arange(units)
    angle = np.arange(length)[:, None] / 10_000.0 ** ((unit - unit % 2) / units)
    return np.where(unit % 2 == 0, np.sin(angle), np.cos(angle))
