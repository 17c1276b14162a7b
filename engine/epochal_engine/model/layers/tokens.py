"""From tokens to vectors: embeddings and positional encodings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from ...symbolic.primitives import take_rows
from ...symbolic.trace import Array, Shape, Symbol, constant
from .layer import Count, Layer, Scope, require


def _standard_normal(shape: Shape, rng: np.random.Generator) -> Array:
    return rng.normal(size=shape)


@dataclass(frozen=True)
class Embedding(Layer):
    """A learned vector for each token; the inputs are token ids, from 0.

    Tokens are integers from 0 up to `vocabulary` - 1, stored as floats; others are clipped to that
    range. The initial vectors are drawn from the standard normal distribution, as in PyTorch.
    """

    type: ClassVar[str] = "embedding"
    steps: ClassVar[bool] = True
    vocabulary: Count
    """Number of different tokens."""
    units: Count
    """Length of each vector."""

    def forward(self, scope: Scope, x: Symbol) -> Symbol:
        """Map tokens `(n, …)` to vectors `(n, …, units)`."""
        table = scope.parameter("weight", (self.vocabulary, self.units), _standard_normal)
        return take_rows(table, x)


@dataclass(frozen=True)
class PositionalEncoding(Layer):
    """Adds to each vector of a sequence a vector that encodes its position (Vaswani et al. 2017).

    Either sines and cosines of wavelengths from 2π to 2π · 10,000, or learned vectors, initialized
    like an `Embedding`.
    """

    type: ClassVar[str] = "positional_encoding"
    steps: ClassVar[bool] = True
    kind: Literal["sinusoidal", "learned"] = "sinusoidal"
    """`sinusoidal` for fixed sines and cosines, or `learned`. Default `sinusoidal`."""

    def forward(self, scope: Scope, x: Symbol) -> Symbol:
        """Return x + p, of the shape of x, `(n, length, units)`."""
        require(len(x.shape) == 3, "a sequence of vectors, (length, units)")
        _, length, units = x.shape
        if scope.step is not None:
            length = scope.step.window
        if self.kind == "learned":
            positions = scope.parameter("position", (length, units), _standard_normal)
        else:
            positions = constant(sinusoids(length, units))
        if scope.step is not None:
            positions = take_rows(positions, scope.step.position)
        return x + positions


def sinusoids(length: int, units: int) -> Array:
    """Return the positions 0, 1, … as vectors: sin and cos of position / 10,000^(2i/units).

    The result is `(length, units)`, with sines at even units 2i and cosines at odd units 2i + 1.
    """
    unit = np.arange(units)
    angle = np.arange(length)[:, None] / 10_000.0 ** ((unit - unit % 2) / units)
    return np.where(unit % 2 == 0, np.sin(angle), np.cos(angle))
