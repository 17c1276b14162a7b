"""Section 9 of the journey: attention, and positional encoding."""

from __future__ import annotations

from collections.abc import Sequence

from ..arrays import ArrayLike
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
        """Compute scores, weights and outputs of attention for every query and head.

        Give `queries` `(n, d)`, `keys` `(m, d)` and `values` `(m, e)` with at most 12 rows of 16
        numbers, or up to 12 `tokens`, whose vectors of `width` numbers the `seed` draws. `heads`
        (1 to 4) must divide d and e. `scaled` divides scores by √d of a head. `causal` hides later
        positions.

        >>> keys, values = [[1, 0], [0, 1]], [[1], [3]]
        >>> client.simulate.attention(queries=[[0, 0]], keys=keys, values=values).output[0]
        array([2.])
        """
        return self._simulate(
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
        positions: int | None = None,
        units: int | None = None,
        position: int | None = None,
    ) -> PositionalEncodingSimulation:
        """Compute the sinusoidal encoding of each position of a sequence.

        `positions` is the number of positions (1 to 64), `units` the size of each vector (2 to 64).
        The numbers of the `position`, from 0, are explained.

        >>> client.simulate.positional_encoding(positions=4, units=2).encodings[0]
        array([0., 1.])
        """
        return self._simulate(
            "SimulatePositionalEncoding",
            PositionalEncodingSimulation,
            positions=positions,
            units=units,
            position=position,
        )
