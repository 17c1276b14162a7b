"""Section 9 of the journey: attention, and what tells places apart."""

from __future__ import annotations

from dataclasses import dataclass

from ..records import Floats
from .quantity import Quantity


@dataclass(frozen=True)
class AttentionQuery:
    """What one place asks, and finds."""

    place: int
    """Counted from 1."""
    sees: int
    """How many keys it may look at, from the first on."""
    scores: tuple[Quantity, ...]
    """One for each key that it sees."""
    weights: tuple[Quantity, ...]
    """The softmax of the scores: they sum to 1."""
    output: tuple[Quantity, ...]
    """The values, weighed."""


@dataclass(frozen=True)
class AttentionHead:
    """One head."""

    head: int
    """Counted from 1."""
    weights: tuple[Floats, ...]
    """A row for each query, a column for each key; 0 for what it may not see."""
    queries: tuple[AttentionQuery, ...]


@dataclass(frozen=True)
class AttentionSimulation:
    """Who looks at what, and what comes of it."""

    formula: str
    queries: tuple[Floats, ...]
    keys: tuple[Floats, ...]
    values: tuple[Floats, ...]
    heads: tuple[AttentionHead, ...]
    output: tuple[Floats, ...]
    """A row for each query: what all heads found, side by side."""
    flops: Quantity
    verdict: str


@dataclass(frozen=True)
class PositionalEncodingSimulation:
    """A vector for every place."""

    table: tuple[Floats, ...]
    """A row for each place, a column for each unit."""
    explained: tuple[Quantity, ...]
    """Every number of the place that was asked for."""
    wavelengths: Floats
    """Of each unit: after so many places it begins anew."""
    similarity: tuple[Floats, ...]
    """The cosine of the angle between the vectors of each two places: it depends on how far apart
    they are alone (for an even number of units).
    """
    verdict: str
