"""Section 9 of the journey: attention, and what tells places apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from numpy.typing import ArrayLike

from ..records import Floats
from .explorer import Explorer
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


class AttentionExplorer(Explorer):
    """Part of `client.simulate`."""

    def attention(
        self,
        *,
        queries: ArrayLike | None = None,
        keys: ArrayLike | None = None,
        values: ArrayLike | None = None,
        tokens: Sequence[str] | None = None,
        width: int | None = None,
        heads: int | None = None,
        scaled: bool | None = None,
        causal: bool | None = None,
        seed: int | None = None,
    ) -> AttentionSimulation:
        """Who looks at what: of given queries, keys and values, or of tokens by the seed.

        `queries` `(n, d)`, `keys` `(m, d)` and `values` `(m, e)`, at most 12 rows of 16 numbers, or
        up to 12 `tokens`, each a vector of `width` random numbers. `heads` (1 to 4) divide d and e.
        `scaled` divides scores by √d a head; `causal` lets no place see what comes after it.

        >>> keys, values = [[1, 0], [0, 1]], [[1], [3]]
        >>> client.simulate.attention(queries=[[0, 0]], keys=keys, values=values).output[0]
        array([2.])
        """
        return self._ask(
            "SimulateAttention",
            AttentionSimulation,
            queries=queries,
            keys=keys,
            values=values,
            tokens=tokens,
            width=width,
            heads=heads,
            scaled=scaled,
            causal=causal,
            seed=seed,
        )

    def positional_encoding(
        self,
        *,
        places: int | None = None,
        units: int | None = None,
        place: int | None = None,
    ) -> PositionalEncodingSimulation:
        """Sines and cosines that stand for the places of a sequence; `place` is explained.

        A vector of `units` numbers (2 to 64) for each of `places` (1 to 64); `place` counts from 0.

        >>> client.simulate.positional_encoding(places=4, units=2).table[0]
        array([0., 1.])
        """
        return self._ask(
            "SimulatePositionalEncoding",
            PositionalEncodingSimulation,
            places=places,
            units=units,
            place=place,
        )
