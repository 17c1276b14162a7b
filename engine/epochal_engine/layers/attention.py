"""Attention: every place of a sequence looks up, in another or the same, what concerns it.

query ──┐
        · ── softmax ──┐
key ────┘              · ── what was found
value ─────────────────┘
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Literal

import numpy as np

from ..activations import ACTIVATIONS
from ..primitives import gather, scores, softmax, softmax_of_columns, tanh
from ..trace import Symbol, constant
from .dense import Dense
from .layer import Layer, Scope, check_counts, check_rate, check_words, drawn, require
from .normalization import LayerNorm


@lru_cache(maxsize=8)
def _later_places(places: int) -> Symbol:
    """What is added to scores `(others, places)` so that no place sees a later one: 0 or -∞."""
    # One row of them, seen through a window that moves with the place: as small as a sequence.
    row = np.repeat([-np.inf, 0.0], [places - 1, places])
    return constant(np.lib.stride_tricks.sliding_window_view(row, places)[::-1])


@dataclass(frozen=True)
class AdditiveAttention(Layer):
    """Attention by a small network of one hidden layer (Bahdanau, Cho and Bengio, 2015).

    How much place i of the query concerns itself with place j of the memory is a softmax over j of
    vᵀ·tanh(W·queryᵢ + U·memoryⱼ). The inputs are (query sequence, memory sequence).
    """

    type: ClassVar[str] = "additive_attention"
    inputs: ClassVar[tuple[int, int]] = (2, 2)
    units: int

    def __post_init__(self) -> None:
        check_counts(units=self.units)

    def forward(self, scope: Scope, query: Symbol, memory: Symbol) -> Symbol:
        """From `(n, places, …)` and `(n, places of the memory, features)`.

        To what was found for each place of the query, `(n, places, features)`.
        """
        _require_sequences(query, memory)
        n, places, _ = query.shape
        remembered = memory.shape[1]
        first = drawn("xavier_uniform")
        w = scope.parameter("query.weight", (query.shape[2], self.units), first)
        u = scope.parameter("memory.weight", (memory.shape[2], self.units), first)
        v = scope.parameter("score.weight", (self.units, 1), first)
        asked = (query @ w).reshape((n, places, 1, self.units))
        offered = (memory @ u).reshape((n, 1, remembered, self.units))
        scores = (tanh(asked + offered) @ v).reshape((n, places, remembered))
        return softmax(scores) @ memory


@dataclass(frozen=True)
class MultiHeadAttention(Layer):
    """Attention by scaled products, several times side by side (Vaswani et al., 2017).

    With one input, a sequence attends to itself; with two, (query, memory), the first to the
    second. Causal attention looks at no later place. Every head has its share of the features.
    Weights begin as PyTorch's do, xavier_uniform; biases at zero.
    """

    type: ClassVar[str] = "multi_head_attention"
    inputs: ClassVar[tuple[int, int]] = (1, 2)
    heads: int
    causal: bool = False

    def __post_init__(self) -> None:
        check_counts(heads=self.heads)

    def forward(self, scope: Scope, query: Symbol, memory: Symbol | None = None) -> Symbol:
        """From `(n, places, features)`, and `(n, others, …)`, to the former's shape."""
        if memory is not None:
            require(not self.causal, "one input to be causal")
        else:
            memory = query
        _require_sequences(query, memory)
        n, places, features = query.shape
        require(features % self.heads == 0, f"features that {self.heads} heads can share")
        share = features // self.heads
        project = Dense(features, initializer="xavier_uniform")

        def by_head(x: Symbol) -> Symbol:
            return x.reshape((*x.shape[:2], self.heads, share))

        asked = by_head(project.forward(scope.within("query"), query) * (1.0 / math.sqrt(share)))
        keys = by_head(project.forward(scope.within("key"), memory))
        values = by_head(project.forward(scope.within("value"), memory))
        # A column for each place that asks, (n, heads, others, places).
        likeness = scores(keys, asked)
        if self.causal:
            likeness = likeness + _later_places(places)
        found = gather(softmax_of_columns(likeness), values).reshape((n, places, features))
        return project.forward(scope.within("output"), found)


@dataclass(frozen=True)
class TransformerBlock(Layer):
    """Attention, then two dense layers at every place, each added to what it was made from.

    Layer norms come before both (`norm` "pre", as in GPT-2), or after both ("post", as in Vaswani
    et al., 2017, and in BERT). What is added is subject to dropout.
    """

    type: ClassVar[str] = "transformer_block"
    heads: int
    hidden: int
    norm: Literal["pre", "post"] = "pre"
    causal: bool = False
    dropout: float = 0.0
    activation: str = "gelu"

    def __post_init__(self) -> None:
        check_counts(heads=self.heads, hidden=self.hidden)
        check_rate(self.dropout)
        check_words(self.activation)
        if not ACTIVATIONS[self.activation].is_elementwise:
            raise ValueError(f"{self.activation} is for the last layer only")
        if self.norm not in ("pre", "post"):
            raise ValueError('norm is "pre" or "post"')

    def forward(self, scope: Scope, x: Symbol) -> Symbol:
        """From `(n, places, features)` to the same shape."""
        _require_sequences(x)
        features = x.shape[-1]

        def normal(name: str, y: Symbol) -> Symbol:
            return LayerNorm().forward(scope.within(name), y)

        def attend(y: Symbol) -> Symbol:
            attention = MultiHeadAttention(self.heads, self.causal)
            return scope.drop(attention.forward(scope.within("attention"), y), self.dropout)

        def think(y: Symbol) -> Symbol:
            hidden = Dense(self.hidden, self.activation).forward(scope.within("hidden"), y)
            y = Dense(features).forward(scope.within("output"), hidden)
            return scope.drop(y, self.dropout)

        if self.norm == "pre":
            x = x + attend(normal("attention_norm", x))
            return x + think(normal("output_norm", x))
        x = normal("attention_norm", x + attend(x))
        return normal("output_norm", x + think(x))


def _require_sequences(*symbols: Symbol) -> None:
    require(all(len(x.shape) == 3 for x in symbols), "sequences of vectors, (places, features)")
