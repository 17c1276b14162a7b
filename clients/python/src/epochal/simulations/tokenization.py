"""Section 11 of the journey: text as tokens."""

from __future__ import annotations

from ..types import TokenizationSimulation
from .explorer import Explorer


class TokenizationExplorer(Explorer):
    """Part of `client.simulate`."""

    def tokenization(
        self, text: str | None = None, *, merges: int | None = None
    ) -> TokenizationSimulation:
        """Divide a text into characters, and into byte pairs.

        `merges` is the number of pairs that the vocabulary has merged, at most 1000: those that
        are frequent in plays by Shakespeare.

        >>> [token.text for token in client.simulate.tokenization("the king", merges=60).tokens]
        ['t', 'he', ' ', 'k', 'ing']
        """
        return self._simulate(
            "SimulateTokenization", TokenizationSimulation, text=text, merges=merges
        )
