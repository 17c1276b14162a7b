"""A run draws from four random streams, none of which depends on how much the others gave."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Streams:
    """The random streams of a run."""

    weights: np.random.Generator
    """For the first weights."""
    shuffle: np.random.Generator
    """For the order of the samples."""
    dropout: np.random.Generator
    """For what is silenced."""
    augmentation: np.random.Generator
    """For how the samples are changed."""

    @classmethod
    def from_seed(cls, seed: int) -> Streams:
        """Four streams that NumPy's `SeedSequence` makes independent."""
        return cls(*(np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(4)))

    def states(self) -> dict[str, Any]:
        """Where the streams are that are drawn from in training, as plain JSON."""
        return {
            "shuffle": self.shuffle.bit_generator.state,
            "dropout": self.dropout.bit_generator.state,
            "augmentation": self.augmentation.bit_generator.state,
        }

    def restore(self, states: Mapping[str, Any]) -> None:
        """Go back to where the streams were when `states` was asked for."""
        self.shuffle.bit_generator.state = states["shuffle"]
        self.dropout.bit_generator.state = states["dropout"]
        self.augmentation.bit_generator.state = states["augmentation"]
