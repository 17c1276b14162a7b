"""The size of a transformer, from which its parameters follow."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ..base import Spec

Count = Annotated[int, Field(ge=1, le=10_000_000)]


class TransformerSize(Spec):
    """The few numbers that say how large a transformer is."""

    family: Literal["gpt", "bert", "llama"] = "gpt"
    """What goes with the matrices. `gpt`: biases, layer norms, learned positions, and token vectors
    that serve as output weights too. `bert`: as that, with vectors for two segments and a last
    dense layer. `llama`: no biases, norms without a shift, gated feed-forward layers of three
    matrices, rotated positions that cost nothing, and output weights of their own.
    """
    layers: int = Field(ge=1, le=10_000)
    """Blocks of attention and a feed-forward layer."""
    width: Count
    """Numbers in the vector of one token."""
    heads: Count
    """The width is shared among them."""
    key_value_heads: Count | None = None
    """Heads that have keys and values of their own; all of them by default."""
    hidden: Count | None = None
    """Units of the feed-forward layer; four times the width by default."""
    vocabulary: Count
    """Tokens that it knows."""
    context: Count
    """Tokens that it can look at."""
