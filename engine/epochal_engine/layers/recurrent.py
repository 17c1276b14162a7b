"""Recurrent layers read a sequence place by place and carry a hidden state from one to the next.

    hidden state ──→ cell ──→ cell ──→ cell ──→ …
                      ↑        ↑        ↑
    input             x₀       x₁       x₂

The recurrence is one primitive for all places. Within it a state is `(units, n)`, so that each gate
is one piece of memory.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..initializers import INITIALIZERS
from ..primitives import gru, lstm, rnn, stretch
from ..trace import Array, Shape, Symbol
from .layer import Layer, Scope, check_counts, drawn, require, zeros


def orthogonal_gates(shape: Shape, rng: np.random.Generator) -> Array:
    """An orthogonal matrix for each gate, side by side: `(units, gates · units)`."""
    units = shape[0]
    draw = INITIALIZERS["orthogonal"]
    return np.concatenate([draw((units, units), rng=rng) for _ in range(shape[1] // units)], axis=1)


@dataclass(frozen=True)
class _Recurrent(Layer):
    """Weights `(features, gates · units)`, recurrent `(units, gates · units)`, one bias a gate.

    As in Keras the weights begin as xavier_uniform, the recurrent ones as orthogonal matrices, so
    that a state neither fades nor grows at first (Saxe et al., 2014), and the biases as zeros.
    """

    gates: ClassVar[int]
    units: int
    return_sequences: bool = False

    def __post_init__(self) -> None:
        check_counts(units=self.units)

    def forward(self, scope: Scope, x: Symbol) -> Symbol:
        """From `(n, places, features)` to the last state `(n, units)`.

        Or to the states at all places, `(n, places, units)`.
        """
        require(len(x.shape) == 3, "a sequence of vectors, (places, features)")
        n, places, features = x.shape
        rows = self.gates * self.units
        weight = scope.parameter("weight", (features, rows), drawn("xavier_uniform"))
        recurrent = scope.parameter("recurrent", (self.units, rows), orthogonal_gates)
        bias = scope.parameter("bias", (rows,), self.first_bias)
        # What the inputs add to the gates, for all places at once: (places, rows, n).
        inflow = stretch(weight.T, (places, rows, features)) @ x.permute((1, 2, 0))
        inflow = inflow + bias.reshape((rows, 1))
        states = self.recurrence(inflow, recurrent.T)
        if self.return_sequences:
            return states.permute((2, 0, 1))
        return states.cut(0, places - 1, places).reshape((self.units, n)).T

    @staticmethod
    @abstractmethod
    def recurrence(inflow: Symbol, recurrent: Symbol) -> Symbol:
        """The states `(places, units, n)`.

        `inflow` is what the inputs add to the gates, `(places, gates · units, n)`; `recurrent` are
        the weights `(gates · units, units)`.
        """

    @staticmethod
    def first_bias(shape: Shape, rng: np.random.Generator) -> Array:
        """The first biases."""
        return zeros(shape, rng)


@dataclass(frozen=True)
class Rnn(_Recurrent):
    """h ← tanh(W·x + R·h + b) (Elman, 1990)."""

    type: ClassVar[str] = "rnn"
    gates: ClassVar[int] = 1
    recurrence = staticmethod(rnn)


@dataclass(frozen=True)
class Lstm(_Recurrent):
    """A cell state c that is only added to and forgotten (Hochreiter and Schmidhuber, 1997).

        i, f, o = σ(Wᵢ·x + Rᵢ·h + bᵢ), …          c ← f·c + i·tanh(W·x + R·h + b)
                                                  h ← o·tanh(c)

    With the forget gate f of Gers et al. (2000); its bias begins at 1, so that at first nothing is
    forgotten (Jozefowicz et al., 2015). The gates are in the order i, f, o, candidate.
    """

    type: ClassVar[str] = "lstm"
    gates: ClassVar[int] = 4
    recurrence = staticmethod(lstm)

    @staticmethod
    def first_bias(shape: Shape, rng: np.random.Generator) -> Array:
        """Ones for the forget gate, zeros for the others."""
        bias = np.zeros((4, shape[0] // 4))
        bias[1] = 1.0
        return bias.ravel()


@dataclass(frozen=True)
class Gru(_Recurrent):
    """A state that is partly replaced (Cho et al., 2014).

        z, r = σ(W·x + R·h + b), …                h ← z·h + (1 - z)·tanh(W·x + R·(r·h) + b)

    As its authors have it, the reset gate r acts before the product. The gates are in the order z,
    r, candidate.
    """

    type: ClassVar[str] = "gru"
    gates: ClassVar[int] = 3
    recurrence = staticmethod(gru)
