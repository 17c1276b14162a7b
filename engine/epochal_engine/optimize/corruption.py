"""Corruption hides a part of every training sample, and makes what is hidden the target.

    sample ── draw, apply ──→ corrupted sample, its targets

A network that restores what is missing learns what samples have in common, without any labels: the
idea of denoising autoencoders (Vincent et al., 2008). Training draws again in every epoch.
Validation samples are corrupted once, by `once`, so that their loss can be compared between epochs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, ClassVar

import numpy as np

from ..data.generators import IGNORED
from ..model.components import Component, Range
from ..model.losses import CrossEntropy, Loss
from ..symbolic.trace import Array, Shape

ONCE = np.random.SeedSequence(0, spawn_key=(0xC0,))
"""The seed for data that is corrupted once: the same for all runs, so that they are comparable."""


@dataclass(frozen=True)
class Corruption(Component):
    """A corruption. A subclass with a `type` is known to the API by it."""

    table: ClassVar[dict[str, type[Corruption]]] = {}

    def check(self, input_shape: Shape, output_shape: Shape, loss: Loss) -> None:
        """Raise ValueError for samples, outputs or a loss that do not fit."""

    def check_data(self, targets: Array, weights: Array | None) -> None:
        """Raise ValueError for targets and weights of samples that do not fit."""

    def change(self, samples: Array, targets: Array, rng: np.random.Generator) -> None:
        """Change `samples` `(n, *input_shape)` and their `targets` `(n, …)` in place."""
        self.apply(samples, targets, self.draw(samples.shape, targets.shape, rng))

    def once(self, samples: Array, targets: Array) -> tuple[Array, Array]:
        """Return samples and targets changed by one fixed draw: row i has the same draw always."""
        samples, targets = samples.copy(), targets.copy()
        self.change(samples, targets, np.random.default_rng(ONCE))
        return samples, targets

    def draw(self, samples: Shape, targets: Shape, rng: np.random.Generator) -> Array:
        """Return what is drawn to change samples and targets of these shapes, as `(n, …)`."""
        raise NotImplementedError

    def apply(self, samples: Array, targets: Array, drawn: Array) -> None:
        """Apply the draws to `samples` and `targets` in place."""
        raise NotImplementedError


@dataclass(frozen=True)
class MaskTokens(Corruption):
    """Masked tokens: a share of the positions of a row is replaced by one token.

    The network predicts the tokens that stood there; other positions have no target. Each row has
    `share` of its positions masked, rounded, and at least one, all equally likely. Positions
    without a target, and positions that hold the mask already, stay unchanged. Task of Devlin,
    Chang, Lee and Toutanova, "BERT" (2019), which leaves or swaps a fifth of the chosen tokens
    instead of masking them: here all of them are masked.
    """

    type: ClassVar[str] = "mask"
    token: Annotated[int, Range(least=0, most=1_000_000)]
    """Number of the token that replaces others, in the vocabulary of the embedding: one of the
    data's, or better a new one behind them."""
    share: Annotated[float, Range(above=0, below=1)] = 0.15
    """Share of the positions to mask, in every row. In (0, 1). Default 0.15, as in BERT."""

    def check(self, input_shape: Shape, output_shape: Shape, loss: Loss) -> None:
        """As `Corruption.check`."""
        if not isinstance(loss, CrossEntropy) or loss.ignore_label is None:
            raise ValueError("mask needs the loss cross_entropy, with a label that is ignored")
        if len(input_shape) != 1 or output_shape[:-1] != input_shape:
            raise ValueError(
                "mask needs rows of tokens and an output for each of them, "
                f"not {input_shape} and {output_shape}"
            )

    def check_data(self, targets: Array, weights: Array | None) -> None:
        """As `Corruption.check_data`."""
        if targets.dtype.kind != "i":
            raise ValueError("mask needs the tokens of each row as targets, not probabilities")
        if weights is not None:
            raise ValueError("mask cannot be combined with weights of samples")

    def draw(self, samples: Shape, targets: Shape, rng: np.random.Generator) -> Array:
        """Return a number for each position, `(n, positions)`: the lowest ones are masked."""
        return rng.random(samples)

    def apply(self, samples: Array, targets: Array, drawn: Array) -> None:
        """As `Corruption.apply`. Targets are the tokens `(n, positions)`, -1 for none."""
        can_be_masked = (targets >= 0) & (samples != self.token)
        numbers = np.where(can_be_masked, drawn, np.inf)
        counts = np.maximum(np.rint(self.share * can_be_masked.sum(1)), 1).astype(np.intp)
        last = np.take_along_axis(np.sort(numbers, axis=1), counts[:, None] - 1, 1)
        is_masked = can_be_masked & (numbers <= last)
        samples[is_masked] = self.token
        targets[~is_masked] = IGNORED


@dataclass(frozen=True)
class Diffuse(Corruption):
    """Diffusion: Gaussian noise is mixed into each sample, and the network predicts this noise.

    The inputs of the network are the features, then the time in (0, 1], then numbers that stay as
    they are, such as a class. At time t = s / `steps`, s drawn from 1 to `steps`, the features are
    √ᾱ(t) · x + √(1 - ᾱ(t)) · noise; the target is the noise. Features should have mean 0 and
    standard deviation 1. Source: Ho, Jain and Abbeel, "Denoising diffusion probabilistic models"
    (2020); ᾱ is the cosine schedule of Nichol and Dhariwal (2021), which needs fewer steps.
    """

    type: ClassVar[str] = "diffuse"
    steps: Annotated[int, Range(least=2, most=1000)] = 50
    """Steps from a sample to noise, and of a generation back. From 2 to 1000. Default 50."""

    def check(self, input_shape: Shape, output_shape: Shape, loss: Loss) -> None:
        """As `Corruption.check`."""
        if loss.has_accuracy:
            raise ValueError(f"diffuse needs a loss for numbers, such as mse, not {loss.type}")
        if (
            len(input_shape) != 1
            or len(output_shape) != 1
            or input_shape[0] <= math.prod(output_shape)
        ):
            raise ValueError(
                "diffuse needs an output for each feature, and inputs for the features and the "
                f"time, not {input_shape} and {output_shape}"
            )

    def draw(self, samples: Shape, targets: Shape, rng: np.random.Generator) -> Array:
        """Return the step from 1 to `steps` and the noise of each feature, `(n, 1 + features)`."""
        steps = rng.integers(1, self.steps, targets[0], endpoint=True)
        return np.concatenate([steps[:, None], rng.standard_normal(targets)], axis=1)

    def apply(self, samples: Array, targets: Array, drawn: Array) -> None:
        """As `Corruption.apply`."""
        steps, noise = drawn[:, 0], drawn[:, 1:]
        remaining = self.signal[steps.astype(np.intp), None]
        features = targets.shape[1]
        samples[:, :features] = (
            np.sqrt(remaining) * samples[:, :features] + np.sqrt(1.0 - remaining) * noise
        )
        samples[:, features] = steps / self.steps
        targets[:] = noise

    @cached_property
    def signal(self) -> Array:
        """ᾱ, the share of a sample's variance that is left after each step, `(steps + 1,)`.

        From 1, before the first step, to nearly 0.
        """
        times = np.arange(self.steps + 1) / self.steps
        cosines = np.square(np.cos((times + 0.008) / 1.008 * np.pi / 2.0))
        signal: Array = np.clip(cosines / cosines[0], 1e-4, 1.0)
        return signal

    def denoised(
        self, samples: Array, step: int, noise: Array, bounds: tuple[Array, Array], fresh: Array
    ) -> Array:
        """Return samples `(n, features)` one step earlier, given the `noise` that is predicted.

        The sample without noise that follows is kept within the `bounds` of the data, each
        `(features,)`. `fresh` is new Gaussian noise; the last one, of step 1, has none. This is
        algorithm 2 of Ho et al. (2020), with the smaller of their two variances.
        """
        now, before = self.signal[step], self.signal[step - 1]
        clean = np.clip((samples - np.sqrt(1.0 - now) * noise) / np.sqrt(now), *bounds)
        beta = 1.0 - now / before
        mean = (
            np.sqrt(before) * beta * clean + np.sqrt(now / before) * (1.0 - before) * samples
        ) / (1.0 - now)
        return np.asarray(mean + np.sqrt(beta * (1.0 - before) / (1.0 - now)) * fresh)


CORRUPTIONS: dict[str, type[Corruption]] = Corruption.table
"""All corruptions by type."""
