"""Rewards of texts that a network writes, and grammars that say whether a text is valid."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..data.generators import are_sentences
from ..model.network import Network
from ..model.predict import predict
from ..symbolic.trace import Array


@dataclass(frozen=True)
class CountTexts:
    """How often some texts occur in a text, all together."""

    texts: tuple[str, ...]

    def __call__(self, written: Sequence[str], rows: Array) -> Array:
        """Return the reward of each text that is written, `(n,)`."""
        return np.array([sum(map(text.count, self.texts)) for text in written], np.float64)


@dataclass(frozen=True)
class ScoreTexts:
    """The output of a network that reads the tokens of a text: a reward model (Christiano et al.,
    2017; Ouyang et al., 2022).

    Raises ValueError for a network with several outputs.
    """

    network: Network
    weights: Mapping[str, Array] = field(compare=False, repr=False, default_factory=dict)
    """The weights of the network by name; the memory and the work of a run do not need them."""

    def __post_init__(self) -> None:
        if self.network.output_shape != (1,):
            raise ValueError(
                "a reward model needs one output; the network has the output shape "
                f"{self.network.output_shape}"
            )

    def __call__(self, written: Sequence[str], rows: Array) -> Array:
        """Return the reward of each text, `(n,)`, of the rows of their tokens `(n, length)`."""
        return predict(self.network, self.weights, rows)[:, 0].astype(np.float64)


GRAMMARS: Mapping[str, Callable[[str], bool]] = {"sentences": are_sentences}
"""Functions that say whether a text is valid, by name."""


@dataclass(frozen=True)
class Rollouts:
    """A network writes texts in every epoch, and learns from their rewards.

    The gradient follows REINFORCE (Williams, 1992): the logarithm of the probability of a text
    goes up by its advantage, which is its reward minus `beta` times the logarithm of how much more
    probable than with the initial weights it is, shifted and scaled to a mean of 0 and a standard
    deviation of 1 over the texts of the epoch. The second term keeps the network near the initial
    weights (Jaques et al., 2017; Ziegler et al., 2019).
    """

    reward: CountTexts | ScoreTexts
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
