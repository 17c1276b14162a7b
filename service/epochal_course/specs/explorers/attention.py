"""Requests and replies of the attention explorers: attention, and positional encoding."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from epochal_service.specs.base import Reply, Seed, Spec

from .quantity import Quantity
from .small_network import Value

Token = Annotated[str, Field(min_length=1, max_length=24)]
Vectors = Annotated[list[list[Value]], Field(min_length=1, max_length=12)]


class SimulateAttentionRequest(Spec):
    """Either `queries`, `keys` and `values`, or `tokens`, from which they are computed."""

    queries: Vectors | None = None
    """The queries: a row of 1 to 16 numbers for each position."""
    keys: Vectors | None = None
    """The keys: a row for each position, as long as the rows of the queries."""
    values: Vectors | None = None
    """The values: a row of 1 to 16 numbers for each key."""
    tokens: list[Token] | None = Field(default=None, min_length=1, max_length=12)
    """The tokens. Each distinct token has a random embedding; three random matrices compute
    queries, keys and values from the embeddings.
    """
    width: int = Field(default=8, ge=1, le=16)
    """Embedding size, for `tokens`. Default 8."""
    seed: Seed = 0
    """Random seed of embeddings and matrices, for `tokens`. Default 0."""
    heads: int = Field(default=1, ge=1, le=4)
    """Number of heads. They share the columns of queries, keys and values evenly. Default 1."""
    scaled: bool = True
    """Whether to divide scores by the square root of the key size. On by default."""
    causal: bool = False
    """Whether to mask later positions. Off by default."""


class AttentionQuery(Reply):
    """The attention of one query."""

    position: int
    """Position of the query, from 1."""
    visible_keys: int
    """Number of keys that are not masked, from the first on."""
    scores: list[Quantity]
    """The score of each visible key."""
    weights: list[Quantity]
    """The attention weights: the softmax of the scores."""
    output: list[Quantity]
    """The output: the sum of the values, weighted by attention."""


class AttentionHead(Reply):
    """One attention head."""

    head: int
    """Number of the head, from 1."""
    weights: list[list[float]]
    """The attention weights: a row for each query, a column for each key; 0 where masked."""
    queries: list[AttentionQuery]
    """The queries in order, with their arithmetic."""


class AttentionSimulation(Reply):
    """Attention weights and outputs of all heads."""

    formula: str
    """The formula of attention, e.g. `softmax(Q·Kᵀ / √d)·V` (Vaswani et al., 2017)."""
    queries: list[list[float]]
    """The queries, as given or as computed from the tokens."""
    keys: list[list[float]]
    """The keys: a row for each position."""
    values: list[list[float]]
    """The values: a row for each key."""
    heads: list[AttentionHead]
    """The heads in order; each has its part of the columns above."""
    output: list[list[float]]
    """The concatenated outputs of all heads: a row for each query."""
    flops: Quantity
    """Multiplications and additions of both matrix products in all heads. The softmax is not
    counted, and masking saves nothing."""
    verdict: str
    """Which key the last query of the first head attends to most, in a sentence."""


class SimulatePositionalEncodingRequest(Spec):
    """The size of a sinusoidal positional encoding, and a position to explain."""

    positions: int = Field(default=16, ge=1, le=64)
    """Number of positions. Default 16."""
    units: int = Field(default=16, ge=2, le=64)
    """Encoding size: numbers per position. Default 16."""
    position: int = Field(default=1, ge=0, le=63)
    """The position to explain, from 0. Default 1."""


class PositionalEncodingSimulation(Reply):
    """Sinusoidal positional encodings."""

    encodings: list[list[float]]
    """The encodings: a row for each position, a column for each unit."""
    encoding: list[Quantity]
    """The encoding of the requested position, number by number."""
    wavelengths: list[float]
    """The wavelength of each unit, in positions."""
    similarity: list[list[float]]
    """Cosine similarity of the encodings of each pair of positions. For an even number of units it
    depends only on the distance of the positions.
    """
    verdict: str
    """The shortest and the longest wavelength, and their use, in a sentence."""
