"""Recurrent layers read a sequence step by step and carry a hidden state to the next time step.

    hidden state ──→ cell ──→ cell ──→ cell ──→ …
                      ↑        ↑        ↑
    input             x₀       x₁       x₂

The recurrence is one primitive for all time steps. Within it a state is `(units, n)`, so that each
gate is contiguous in memory.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ...symbolic.primitives import broadcast, gru, lstm, rnn, sigmoid, tanh
from ...symbolic.trace import Array, Shape, Symbol
from ..initializers import INITIALIZERS
from .layer import Count, Layer, Scope, drawn, require, zeros


def orthogonal_gates(shape: Shape, rng: np.random.Generator) -> Array:
    """Return an orthogonal matrix for each gate, side by side: `(units, gates · units)`."""
    units = shape[0]
    draw = INITIALIZERS["orthogonal"]
    return np.concatenate([draw((units, units), rng=rng) for _ in range(shape[1] // units)], axis=1)


@dataclass(frozen=True)
class _Recurrent(Layer):
    """Weights `(features, gates · units)`, recurrent `(units, gates · units)`, one bias per gate.

    As in Keras, the initial weights are xavier_uniform, the recurrent ones orthogonal matrices, so
    that a state neither vanishes nor explodes at first (Saxe et al., 2014), and the biases zeros.
    """

    gates: ClassVar[int]
    steps: ClassVar[bool] = True
    units: Count
    """Size of the hidden state, which is the output."""
    return_sequences: bool = False
    """Return the hidden states of all time steps instead of the last one. Default false."""

    def forward(self, scope: Scope, x: Symbol) -> Symbol:
        """Map `(n, length, features)` to the last state, `(n, units)`.

        With `return_sequences`, map it to the states of all time steps, `(n, length, units)`.
        """
        require(len(x.shape) == 3, "a sequence of vectors, (length, features)")
        n, length, features = x.shape
        rows = self.gates * self.units
        weight = scope.parameter("weight", (features, rows), drawn("xavier_uniform"))
        recurrent = scope.parameter("recurrent", (self.units, rows), orthogonal_gates)
        bias = scope.parameter("bias", (rows,), self.initial_bias)
        # The inputs' part of the gates, for all time steps at once: (length, rows, n).
        inflow = broadcast(weight.T, (length, rows, features)) @ x.permute((1, 2, 0))
        inflow = inflow + bias.reshape((rows, 1))
        if scope.step is not None:
            require(self.return_sequences, "all positions at once, as it returns the last state")
            state = self.cell(scope, inflow.reshape((rows, n)), recurrent.T)
            return state.reshape((1, self.units, n)).permute((2, 0, 1))
        states = self.recurrence(inflow, recurrent.T)
        if self.return_sequences:
            return states.permute((2, 0, 1))
        return states.cut(0, length - 1, length).reshape((self.units, n)).T

    @staticmethod
    @abstractmethod
    def recurrence(inflow: Symbol, recurrent: Symbol) -> Symbol:
        """Return the states, `(length, units, n)`.

        `inflow` is what the inputs add to the gates, `(length, gates · units, n)`; `recurrent` are
        the weights `(gates · units, units)`.
        """

    @staticmethod
    @abstractmethod
    def cell(scope: Scope, inflow: Symbol, recurrent: Symbol) -> Symbol:
        """Return the state of one time step, `(units, n)`, after the state that the scope carries.

        `inflow` is what the input adds to the gates, `(gates · units, n)`.
        """

    @staticmethod
    def initial_bias(shape: Shape, rng: np.random.Generator) -> Array:
        """Return the initial biases."""
        return zeros(shape, rng)


def _state(scope: Scope, name: str, inflow: Symbol, recurrent: Symbol) -> Symbol:
    """Return a carried state, `(units, n)`."""
    return scope.carried(name, (recurrent.shape[1], inflow.shape[1]))


def _gates(x: Symbol, count: int) -> list[Symbol]:
    """Return the gates, each `(units, n)`, of all rows `(gates · units, n)`."""
    units = x.shape[0] // count
    return [x.cut(0, gate * units, (gate + 1) * units) for gate in range(count)]


@dataclass(frozen=True)
class Rnn(_Recurrent):
    """A simple recurrent network: h ← tanh(W·x + R·h + b) (Elman 1990)."""

    type: ClassVar[str] = "rnn"
    gates: ClassVar[int] = 1
    recurrence = staticmethod(rnn)

    @staticmethod
    def cell(scope: Scope, inflow: Symbol, recurrent: Symbol) -> Symbol:
        """Return h ← tanh(x + R·h)."""
        state = _state(scope, "state", inflow, recurrent)
        return scope.carry("state", tanh(inflow + recurrent @ state))


@dataclass(frozen=True)
class Lstm(_Recurrent):
    """Long short-term memory: a cell state c behind gates (Hochreiter & Schmidhuber 1997).

        i, f, o = σ(Wᵢ·x + Rᵢ·h + bᵢ), …          c ← f·c + i·tanh(W·x + R·h + b)
                                                  h ← o·tanh(c)

    With the forget gate f of Gers et al. (2000); its initial bias is 1, so that at first the cell
    state is carried over (Jozefowicz et al., 2015). The gates are in the order i, f, o, candidate.
    """

    type: ClassVar[str] = "lstm"
    gates: ClassVar[int] = 4
    recurrence = staticmethod(lstm)

    @staticmethod
    def cell(scope: Scope, inflow: Symbol, recurrent: Symbol) -> Symbol:
        """Return h ← o·tanh(c), with c ← f·c + i·g."""
        state = _state(scope, "state", inflow, recurrent)
        memory = _state(scope, "cell", inflow, recurrent)
        i, f, o, candidate = _gates(inflow + recurrent @ state, 4)
        memory = sigmoid(f) * memory + sigmoid(i) * tanh(candidate)
        return scope.carry("state", sigmoid(o) * tanh(scope.carry("cell", memory)))

    @staticmethod
    def initial_bias(shape: Shape, rng: np.random.Generator) -> Array:
        """Return ones for the forget gate, zeros for the others."""
        bias = np.zeros((4, shape[0] // 4))
        bias[1] = 1.0
        return bias.ravel()


@dataclass(frozen=True)
class Gru(_Recurrent):
    """Gated recurrent unit: gates decide how much of the state is replaced (Cho et al. 2014).

        z, r = σ(W·x + R·h + b), …                h ← z·h + (1 - z)·tanh(W·x + R·(r·h) + b)

    As in the paper, the reset gate r acts before the product. The gates are in the order z,
    r, candidate.
    """

    type: ClassVar[str] = "gru"
    gates: ClassVar[int] = 3
    recurrence = staticmethod(gru)

    @staticmethod
    def cell(scope: Scope, inflow: Symbol, recurrent: Symbol) -> Symbol:
        """Return h ← g + z·(h - g), with R·(r·h) in g."""
        state = _state(scope, "state", inflow, recurrent)
        for_z, for_r, for_candidate = _gates(inflow, 3)
        of_z, of_r, of_candidate = _gates(recurrent, 3)
        reset = sigmoid(for_r + of_r @ state)
        candidate = tanh(for_candidate + of_candidate @ (reset * state))
        keep = sigmoid(for_z + of_z @ state)
        return scope.carry("state", candidate + keep * (state - candidate))
