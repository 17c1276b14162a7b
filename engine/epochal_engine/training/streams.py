"""A run draws from four random streams, which are independent of each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..model.network import Network
from ..symbolic.trace import Array


@dataclass(frozen=True)
class Streams:
    """The random streams of a run."""

    weights: np.random.Generator
    """For the initial parameters."""
    shuffle: np.random.Generator
    """For the order of the samples."""
    dropout: np.random.Generator
    """For the dropout masks."""
    augmentation: np.random.Generator
    """For augmentation, corruption and rollouts."""

    @classmethod
    def from_seed(cls, seed: int) -> Streams:
        """Four streams that NumPy's `SeedSequence` makes independent."""
        return cls(*(np.random.default_rng(s) for s in np.random.SeedSequence(seed).spawn(4)))

    @property
    def drawn(self) -> dict[str, np.random.Generator]:
        """The streams that training draws from."""
        return {
            "shuffle": self.shuffle,
            "dropout": self.dropout,
            "augmentation": self.augmentation,
        }

    def restore(self, states: Mapping[str, Any]) -> None:
        """Restore the states of these streams."""
        for name, generator in self.drawn.items():
            generator.bit_generator.state = states[name]


def new_parameters(network: Network, seed: int) -> dict[str, Array]:
    """Return the initial parameters of a run with this seed by name, as float64."""
    # The first of the streams of this seed, without the others.
    (weights,) = np.random.SeedSequence(seed).spawn(1)
    return network.initial_parameters(rng=np.random.default_rng(weights))
