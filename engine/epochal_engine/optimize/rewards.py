"""Rewards of texts that a network writes, and grammars that say whether a text is valid."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..data.generators import are_sentences


@dataclass(frozen=True)
class CountTexts:
    """How often some texts occur in a text, all together."""

    texts: tuple[str, ...]

    def __call__(self, text: str) -> float:
        """Return the reward of a text."""
        return float(sum(map(text.count, self.texts)))


GRAMMARS: Mapping[str, Callable[[str], bool]] = {"sentences": are_sentences}
"""Functions that say whether a text is valid, by name."""


@dataclass(frozen=True)
class Rollouts:
    """A network writes texts in every epoch, and learns from their rewards.

    The gradient is that of REINFORCE (Williams, 1992): the logarithm of the probability of a text
    goes up by its advantage, which is its reward minus `beta` times the logarithm of how much more
    probable than with the initial weights it is, shifted and scaled to a mean of 0 and a standard
    deviation of 1 over the texts of the epoch. The second term keeps the network near the initial
    weights (Jaques et al., 2017; Ziegler et al., 2019).
    """

    reward: CountTexts
    names: tuple[str, ...]
    """The texts of the tokens, which make up a text."""
    beta: float = 0.1
    """Weight of the Kullback-Leibler divergence from the initial weights. At least 0."""
    grammar: str | None = None
    """The grammar of valid texts, by name in `GRAMMARS`; None for any."""
    end: int | None = None
    """The token that ends a text; None if a text fills its row."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.beta <= 100.0:
            raise ValueError(f"beta must be in [0, 100]; got {self.beta}")
        if self.grammar is not None and self.grammar not in GRAMMARS:
            raise ValueError(f"grammar must be one of {', '.join(GRAMMARS)}; got {self.grammar!r}")
