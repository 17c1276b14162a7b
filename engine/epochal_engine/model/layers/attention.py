"""Attention: each position of a sequence reads a weighted mean of another, or the same, sequence.

query ──┐
        · ── softmax ──┐
key ────┘              · ── output
value ─────────────────┘
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Literal

import numpy as np

from ...symbolic.primitives import gather, scores, softmax, softmax_of_columns, tanh
from ...symbolic.trace import Symbol, constant
from ..activations import ACTIVATIONS
from .dense import Dense
from .layer import ActivationName, Count, Layer, Rate, Scope, drawn, require
from .normalization import LayerNorm


@lru_cache(maxsize=8)
def _causal_mask(length: int) -> Symbol:
    """Return what is added to scores `(keys, queries)`: -∞ where a key is later than a query."""
    # All rows are windows of one row, so that the mask takes no more memory than a sequence.
    row = np.repeat([-np.inf, 0.0], [length - 1, length])
    return constant(np.lib.stride_tricks.sliding_window_view(row, length)[::-1])


@dataclass(frozen=True)
class AdditiveAttention(Layer):
    """Additive attention of one sequence to another; its two inputs are the query and the memory
    (Bahdanau et al. 2015).

    The weight of position j of the memory for position i of the query is a softmax over j of
    vᵀ·tanh(W·queryᵢ + U·memoryⱼ).
    """

    type: ClassVar[str] = "additive_attention"
    inputs: ClassVar[tuple[int, int]] = (2, 2)
    units: Count
    """Units of the hidden layer that scores a query against a key."""

    def forward(self, scope: Scope, query: Symbol, memory: Symbol) -> Symbol:
        """Map `(n, length, …)` and `(n, memory length, features)` to `(n, length, features)`."""
        _require_sequences(query, memory)
        n, length, _ = query.shape
        memory_length = memory.shape[1]
        initial = drawn("xavier_uniform")
        w = scope.parameter("query.weight", (query.shape[2], self.units), initial)
        u = scope.parameter("memory.weight", (memory.shape[2], self.units), initial)
        v = scope.parameter("score.weight", (self.units, 1), initial)
        queries = (query @ w).reshape((n, length, 1, self.units))
        keys = (memory @ u).reshape((n, 1, memory_length, self.units))
        scores = (tanh(queries + keys) @ v).reshape((n, length, memory_length))
        weights = softmax(scores)
        scope.observe(weights.reshape((n, 1, length, memory_length)))
        return weights @ memory


@dataclass(frozen=True)
class MultiHeadAttention(Layer):
    """Scaled dot-product attention in several heads: of one input to itself, or of the first input
    to the second (Vaswani et al. 2017).

    Each head has its part of the features. As in PyTorch, the initial weights are xavier_uniform,
    the biases zero.
    """

    type: ClassVar[str] = "multi_head_attention"
    steps: ClassVar[bool] = True
    inputs: ClassVar[tuple[int, int]] = (1, 2)
    heads: Count
    """Number of heads. Must divide the number of features."""
    causal: bool = False
    """Whether each position attends only to itself and earlier positions. Default false."""

    def forward(self, scope: Scope, query: Symbol, memory: Symbol | None = None) -> Symbol:
        """Map `(n, length, features)`, and `(n, memory length, …)`, to the shape of the first."""
        require(scope.step is None or self.causal, "all positions at once, as it is not causal")
        if memory is not None:
            require(not self.causal, "one input to be causal")
        else:
            memory = query
        _require_sequences(query, memory)
        n, length, features = query.shape
        require(features % self.heads == 0, f"a number of features that {self.heads} heads divide")
        head_size = features // self.heads
        project = Dense(features, initializer="xavier_uniform")

        def by_head(x: Symbol) -> Symbol:
            return x.reshape((*x.shape[:2], self.heads, head_size))

        scale = 1.0 / math.sqrt(head_size)
        queries = by_head(project.forward(scope.within("query"), query) * scale)
        keys = scope.so_far("keys", by_head(project.forward(scope.within("key"), memory)))
        values = scope.so_far("values", by_head(project.forward(scope.within("value"), memory)))
        # A column for each query, (n, heads, memory length, length).
        logits = scores(keys, queries)
        if self.causal:
            logits = logits + (_causal_mask(length) if scope.step is None else scope.step.mask)
        weights = softmax_of_columns(logits)
        scope.observe(weights.T)
        attended = gather(weights, values).reshape((n, length, features))
        return project.forward(scope.within("output"), attended)


@dataclass(frozen=True)
class TransformerBlock(Layer):
    """A transformer block: self-attention and two dense layers, each with a residual connection and
    layer normalization (Vaswani et al. 2017).

    Norms come first in GPT-2, last in Vaswani et al. (2017) and in BERT.
    """

    type: ClassVar[str] = "transformer_block"
    steps: ClassVar[bool] = True
    heads: Count
    """Number of heads. Must divide the number of features."""
    hidden: Count
    """Units of the first dense layer; the second has one for each feature."""
    norm: Literal["pre", "post"] = "pre"
    """`pre` to normalize the input of attention and dense layers, `post` to normalize each sum.
    Default `pre`.
    """
    causal: bool = False
    """Whether each position attends only to itself and earlier positions. Default false."""
    dropout: Rate = 0.0
    """Fraction of the outputs of attention and dense layers set to zero during training. In [0, 1).
    Default 0.
    """
    activation: ActivationName = "gelu"
    """The activation of the first dense layer. Default `gelu`."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not ACTIVATIONS[self.activation].is_elementwise:
            raise ValueError(f"{self.activation} is for the last layer only")

    def forward(self, scope: Scope, x: Symbol) -> Symbol:
        """Map `(n, length, features)` to the same shape."""
        _require_sequences(x)
        features = x.shape[-1]

        def normalize(name: str, y: Symbol) -> Symbol:
            return LayerNorm().forward(scope.within(name), y)

        def attend(y: Symbol) -> Symbol:
            attention = MultiHeadAttention(self.heads, self.causal)
            return scope.drop(attention.forward(scope.within("attention"), y), self.dropout)

        def feed_forward(y: Symbol) -> Symbol:
            hidden = Dense(self.hidden, self.activation).forward(scope.within("hidden"), y)
            y = Dense(features).forward(scope.within("output"), hidden)
            return scope.drop(y, self.dropout)

        if self.norm == "pre":
            x = x + attend(normalize("attention_norm", x))
            return x + feed_forward(normalize("output_norm", x))
        x = normalize("attention_norm", x + attend(x))
        return normalize("output_norm", x + feed_forward(x))


def _require_sequences(*symbols: Symbol) -> None:
    require(all(len(x.shape) == 3 for x in symbols), "sequences of vectors, (length, features)")
