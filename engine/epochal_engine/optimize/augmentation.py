"""Augmentation changes every training sample a little, and differently in each epoch.

A random change that keeps the target makes overfitting harder: a network that has seen a digit at
many positions cannot memorize its position. Validation samples are not changed.

The axes of a sample are positions, and channels last: `(length, channels)`, or `(height, width,
channels)`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np

from ..model.components import Component, Range
from ..symbolic.trace import Array, Shape


@dataclass(frozen=True)
class Augmentation(Component):
    """An augmentation. A subclass with a `type` is known to the API by it."""

    table: ClassVar[dict[str, type[Augmentation]]] = {}

    def check(self, input_shape: Shape) -> None:
        """Raise ValueError for samples that cannot be changed so."""

    def change(self, samples: Array, rng: np.random.Generator) -> None:
        """Change `samples` `(n, *input_shape)` in place."""
        self.apply(samples, self.draw(samples, rng))

    def draw(self, samples: Array, rng: np.random.Generator) -> Array:
        """Return what is drawn to change `samples` `(n, *input_shape)`, as `(n, …)`."""
        raise NotImplementedError

    def apply(self, samples: Array, drawn: Array) -> None:
        """Apply the draws to `samples` in place."""
        raise NotImplementedError


@dataclass(frozen=True)
class Shift(Augmentation):
    """Random shift by up to `max_shift` positions along each axis. Zeros fill the gap.

    All distances are equally likely, independently for each axis.
    """

    type: ClassVar[str] = "shift"
    max_shift: Annotated[int, Range(least=0, most=64)]
    """Largest shift in positions, such as pixels. From 0 to 64."""

    def check(self, input_shape: Shape) -> None:
        """As `Augmentation.check`."""
        _needs_positions(self.type, input_shape)

    def draw(self, samples: Array, rng: np.random.Generator) -> Array:
        """Return the distances along each axis, `(n, axes)`."""
        return np.stack(
            [
                rng.integers(-self.max_shift, self.max_shift, len(samples), endpoint=True)
                for _ in range(1, samples.ndim - 1)
            ],
            axis=1,
        )

    def apply(self, samples: Array, drawn: Array) -> None:
        """As `Augmentation.apply`."""
        for axis, distances in enumerate(drawn.T, 1):
            length = samples.shape[axis]
            sources = np.arange(length) - distances[:, None]
            shape = [len(samples), *[1] * (samples.ndim - 1)]
            shape[axis] = length
            index = np.clip(sources, 0, length - 1).reshape(shape)
            is_inside = (sources == index.reshape(sources.shape)).reshape(shape)
            np.multiply(np.take_along_axis(samples, index, axis), is_inside, out=samples)


@dataclass(frozen=True)
class Noise(Augmentation):
    """Gaussian noise, added to every number.

    Its effect resembles an l2 penalty (Bishop, 1995).
    """

    type: ClassVar[str] = "noise"
    standard_deviation: Annotated[float, Range(least=0, most=1e12)]
    """Standard deviation of the noise, in the units of the network's inputs. At least 0."""

    def draw(self, samples: Array, rng: np.random.Generator) -> Array:
        """Return the noise, `(n, *input_shape)`."""
        noise: Array = rng.standard_normal(samples.shape, samples.dtype)
        noise *= self.standard_deviation
        return noise

    def apply(self, samples: Array, drawn: Array) -> None:
        """As `Augmentation.apply`."""
        samples += drawn


@dataclass(frozen=True)
class Flip(Augmentation):
    """Random horizontal flip: mirrors a sample from left to right."""

    type: ClassVar[str] = "flip"
    probability: Annotated[float, Range(least=0, most=1)] = 0.5
    """Probability of a flip, for each sample and epoch. In [0, 1]. Default 0.5."""

    def check(self, input_shape: Shape) -> None:
        """As `Augmentation.check`."""
        _needs_positions(self.type, input_shape)

    def draw(self, samples: Array, rng: np.random.Generator) -> Array:
        """Return whether each sample is mirrored, `(n,)`."""
        return rng.random(len(samples)) < self.probability

    def apply(self, samples: Array, drawn: Array) -> None:
        """As `Augmentation.apply`."""
        samples[drawn] = np.flip(samples[drawn], -2)


def _needs_positions(kind: str, input_shape: Shape) -> None:
    if len(input_shape) < 2:
        raise ValueError(f"{kind} needs samples with positions and channels, not {input_shape}")


AUGMENTATIONS: dict[str, type[Augmentation]] = Augmentation.table
"""All augmentations by type."""
