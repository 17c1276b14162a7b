"""Augmentation shows a network every sample a little differently in each epoch.

What may change without changing the answer is changed at random: a network that has seen a digit in
many places does not learn the place by heart. What is held out stays as it is.

The axes of a sample are positions, and channels last: `(length, channels)`, or `(height, width,
channels)`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

import numpy as np

from .trace import Array, Shape


@dataclass(frozen=True)
class Shift:
    """Moves each sample by up to `reach` positions along each axis; zeros move in.

    All distances are equally likely, for each axis by itself.
    """

    type: ClassVar[str] = "shift"
    reach: int

    def __post_init__(self) -> None:
        if self.reach < 0:
            raise ValueError("reach must not be negative")

    def check(self, input_shape: Shape) -> None:
        """Raise ValueError for samples that cannot be changed so."""
        _needs_positions(self.type, input_shape)

    def change(self, samples: Array, rng: np.random.Generator) -> None:
        """Change `samples` `(n, *input_shape)` where they are."""
        for axis in range(1, samples.ndim - 1):
            length = samples.shape[axis]
            distances = rng.integers(-self.reach, self.reach, len(samples), endpoint=True)
            sources = np.arange(length) - distances[:, None]
            shape = [len(samples), *[1] * (samples.ndim - 1)]
            shape[axis] = length
            index = np.clip(sources, 0, length - 1).reshape(shape)
            is_inside = (sources == index.reshape(sources.shape)).reshape(shape)
            np.multiply(np.take_along_axis(samples, index, axis), is_inside, out=samples)


@dataclass(frozen=True)
class Noise:
    """Adds normal noise to every number: much like an l2 penalty (Bishop, 1995)."""

    type: ClassVar[str] = "noise"
    deviation: float

    def __post_init__(self) -> None:
        if not 0.0 <= self.deviation < math.inf:
            raise ValueError("deviation must be a finite number that is not negative")

    def check(self, input_shape: Shape) -> None:
        """Samples of any shape."""

    def change(self, samples: Array, rng: np.random.Generator) -> None:
        """As for `Shift`."""
        noise = rng.standard_normal(samples.shape, samples.dtype)
        noise *= self.deviation
        samples += noise


@dataclass(frozen=True)
class Flip:
    """Mirrors a sample from left to right, with a `probability` that is even as a rule."""

    type: ClassVar[str] = "flip"
    probability: float = 0.5

    def __post_init__(self) -> None:
        if not 0.0 <= self.probability <= 1.0:
            raise ValueError("probability must lie between 0 and 1")

    def check(self, input_shape: Shape) -> None:
        """As for `Shift`."""
        _needs_positions(self.type, input_shape)

    def change(self, samples: Array, rng: np.random.Generator) -> None:
        """As for `Shift`."""
        chosen = rng.random(len(samples)) < self.probability
        samples[chosen] = np.flip(samples[chosen], -2)


def _needs_positions(kind: str, input_shape: Shape) -> None:
    if len(input_shape) < 2:
        raise ValueError(f"{kind} needs samples with positions and channels, not {input_shape}")


Augmentation: TypeAlias = Shift | Noise | Flip
AUGMENTATIONS: dict[str, type[Augmentation]] = {a.type: a for a in (Shift, Noise, Flip)}
"""All augmentations by the name that the API knows."""
