"""Section 9 of the journey: attention, and what tells places apart."""

from __future__ import annotations

from collections.abc import Sequence

from numpy.typing import ArrayLike

from ..types import AttentionSimulation, PositionalEncodingSimulation
from .explorer import Explorer


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
