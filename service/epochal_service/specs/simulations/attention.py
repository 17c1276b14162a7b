"""Attention and what tells places apart, as they may be asked for."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ..base import Reply, Seed, Spec
from .quantity import Quantity
from .small_network import Value

Token = Annotated[str, Field(min_length=1, max_length=24)]
Vectors = Annotated[list[list[Value]], Field(min_length=1, max_length=12)]


class SimulateAttentionRequest(Spec):
    """Either `queries`, `keys` and `values`, or `tokens`, from which they are made."""

    queries: Vectors | None = None
    """A row for each place that asks, of at most 16 numbers."""
    keys: Vectors | None = None
    """A row for each place that is asked, as long as those of the queries."""
    values: Vectors | None = None
    """A row for each key."""
    tokens: list[Token] | None = Field(default=None, min_length=1, max_length=12)
    """Each is given a random vector, the same one wherever it stands, and three random matrices
    make queries, keys and values of them.
    """
    width: int = Field(default=8, ge=1, le=16)
    """`tokens` only: numbers of each vector."""
    seed: Seed = 0
    """`tokens` only: of the vectors and the matrices."""
    heads: int = Field(default=1, ge=1, le=4)
    """Each has its share of the numbers of every vector."""
    scaled: bool = True
    """Scores are divided by √(numbers of a key), so that they do not grow with these."""
    causal: bool = False
    """No place sees what comes after it."""


class AttentionQuery(Reply):
    """What one place asks, and finds."""

    place: int
    """Counted from 1."""
    sees: int
    """How many keys it may look at, from the first on."""
    scores: list[Quantity]
    """One for each key that it sees."""
    weights: list[Quantity]
    """The softmax of the scores: they sum to 1."""
    output: list[Quantity]
    """What it finds: the values, each times its weight, added up."""


class AttentionHead(Reply):
    """One head."""

    head: int
    """Counted from 1."""
    weights: list[list[float]]
    """A row for each query, a column for each key; 0 for what it may not see."""
    queries: list[AttentionQuery]
    """Each place that asks, in order, with its arithmetic."""


class AttentionSimulation(Reply):
    """Who looks at what, and what comes of it."""

    formula: str
    """What is computed, e.g. `softmax(Q·Kᵀ / √d)·V` (Vaswani et al., 2017)."""
    queries: list[list[float]]
    """A row for each place that asks: as given, or as made of the tokens."""
    keys: list[list[float]]
    """A row for each place that is asked."""
    values: list[list[float]]
    """A row for each key: what is found there."""
    heads: list[AttentionHead]
    """In order; each has its share of the columns above."""
    output: list[list[float]]
    """A row for each query: what all heads found, side by side."""
    flops: Quantity
    """Multiplications and additions of both products, of queries and keys and of weights and
    values, in all heads; the softmax is not counted, nor what masking saves."""
    verdict: str
    """Where the last query of the first head looks most, in a sentence."""


class SimulatePositionalEncodingRequest(Spec):
    """Sines and cosines that stand for the places of a sequence."""

    places: int = Field(default=16, ge=1, le=64)
    """The length of the sequence."""
    units: int = Field(default=16, ge=2, le=64)
    """Numbers of the vector of each place."""
    place: int = Field(default=1, ge=0, le=63)
    """The place that is explained, counted from 0."""


class PositionalEncodingSimulation(Reply):
    """A vector for every place."""

    table: list[list[float]]
    """A row for each place, a column for each unit."""
    explained: list[Quantity]
    """Every number of the place that was asked for."""
    wavelengths: list[float]
    """Of each unit: after so many places it begins anew."""
    similarity: list[list[float]]
    """The cosine of the angle between the vectors of each two places: it depends on how far apart
    they are alone (for an even number of units).
    """
    verdict: str
    """The shortest and the longest wavelength, and what they are for, in a sentence."""
