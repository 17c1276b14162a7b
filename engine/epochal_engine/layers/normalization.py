"""Signals brought back to mean 0 and variance 1, and then to whatever is learnt to be better."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from ..primitives import mean_to, sqrt, square, standardize
from ..trace import Shape, Symbol
from .layer import Layer, Scope, ones, zeros


def _moments(x: Symbol, shape: Shape) -> tuple[Symbol, Symbol, Symbol]:
    """Mean, x less the mean, and variance of x over the axes of length 1 in `shape`."""
    mean = mean_to(x, shape)
    centered = x - mean
    return mean, centered, mean_to(square(centered), shape)


def _check_epsilon(epsilon: float) -> None:
    if not epsilon > 0.0:
        raise ValueError("epsilon must be positive")


@dataclass(frozen=True)
class LayerNorm(Layer):
    """Normalizes the features of every position by themselves (Ba, Kiros and Hinton, 2016).

    The epsilon is PyTorch's.
    """

    type: ClassVar[str] = "layer_norm"
    epsilon: float = 1e-5

    def __post_init__(self) -> None:
        _check_epsilon(self.epsilon)

    def forward(self, scope: Scope, x: Symbol) -> Symbol:
        """(x - mean) / √(variance + ε) · scale + shift along the last axis of `(n, …, d)`."""
        features = x.shape[-1:]
        _, centered, variance = _moments(x, (*x.shape[:-1], 1))
        normal = standardize(x, centered, 1.0 / sqrt(variance + self.epsilon))
        scale = scope.parameter("scale", features, ones)
        return normal * scale + scope.parameter("shift", features, zeros)


@dataclass(frozen=True)
class BatchNorm(Layer):
    """Normalizes every channel over the batch and all positions (Ioffe and Szegedy, 2015).

    Outside training the means and variances are running ones: of what they were before, the share
    `momentum` is kept in every step. As in PyTorch, where the epsilon and this pace come from, the
    running variance is the unbiased one.
    """

    type: ClassVar[str] = "batch_norm"
    momentum: float = 0.9
    epsilon: float = 1e-5

    def __post_init__(self) -> None:
        if not 0.0 <= self.momentum < 1.0:
            raise ValueError("momentum must be at least 0 and less than 1")
        _check_epsilon(self.epsilon)

    def forward(self, scope: Scope, x: Symbol) -> Symbol:
        """(x - mean) / √(variance + ε) · scale + shift for each channel of `(n, …, channels)`."""
        channels = x.shape[-1:]
        running_mean = scope.running("mean", channels, zeros)
        running_variance = scope.running("variance", channels, ones)
        if scope.is_training:
            mean, centered, variance = _moments(x, (*(1,) * (len(x.shape) - 1), *channels))
            count = math.prod(x.shape[:-1])
            unbiased = variance * (count / max(count - 1, 1))
            for name, old, new in (
                ("mean", running_mean, mean),
                ("variance", running_variance, unbiased),
            ):
                share = new.reshape(channels) * (1.0 - self.momentum)
                scope.update(name, old * self.momentum + share)
            normal = standardize(x, centered, 1.0 / sqrt(variance + self.epsilon))
        else:
            normal = (x - running_mean) * (1.0 / sqrt(running_variance + self.epsilon))
        scale = scope.parameter("scale", channels, ones)
        return normal * scale + scope.parameter("shift", channels, zeros)
