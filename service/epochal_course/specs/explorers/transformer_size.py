"""The size of a transformer."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from epochal_service.specs.base import Spec

Count = Annotated[int, Field(ge=1, le=10_000_000)]


class TransformerSize(Spec):
    """The size of a transformer, which determines its number of parameters."""

    family: Literal["gpt", "bert", "llama"] = "gpt"
    """The model family. `gpt`: biases, layer norm, learned positions, and token embeddings that are
    also the output weights. `bert`: the same with two segment embeddings and a pooler. `llama`: no
    biases, RMS norm, gated feed-forward layers of three matrices, rotary positions without
    parameters, and separate output weights. Default `gpt`.
    """
    layers: int = Field(ge=1, le=10_000)
    """Number of blocks of attention and a feed-forward layer."""
    width: Count
    """Embedding size of a token."""
    heads: Count
    """Number of attention heads. Divides the width."""
    key_value_heads: Count | None = None
    """Number of heads with their own keys and values. Divides the heads. Defaults to all heads."""
    hidden: Count | None = None
    """Number of units of the feed-forward layer. Defaults to four times the width."""
    vocabulary: Count
    """Vocabulary size."""
    context: Count
    """Context length: maximum number of tokens."""
