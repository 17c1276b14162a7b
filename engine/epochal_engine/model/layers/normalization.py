"""Normalization to mean 0 and variance 1, followed by a learned scale and shift."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from ...symbolic.primitives import mean_to, sqrt, square, standardize
from ...symbolic.trace import Shape, Symbol
from .layer import Epsilon, Layer, Rate, Scope, ones, zeros


def _moments(x: Symbol, shape: Shape) -> tuple[Symbol, Symbol, Symbol]:
    """Return mean, x - mean, and variance of x over the axes of length 1 in `shape`."""
    mean = mean_to(x, shape)
    centered = x - mean
    return mean, centered, mean_to(square(centered), shape)


@dataclass(frozen=True)
class LayerNorm(Layer):
    """Layer normalization: each position's features get mean 0 and variance 1 (Ba et al. 2016).

    The default epsilon is PyTorch's.
    """

    type: ClassVar[str] = "layer_norm"
    steps: ClassVar[bool] = True
    epsilon: Epsilon = 1e-5
    """Added to the variance to avoid division by zero. Greater than 0. Default 1e-5."""

    def forward(self, scope: Scope, x: Symbol) -> Symbol:
        """Map `(n, …, d)` to (x - mean) / √(variance + ε) · scale + shift along the last axis."""
        features = x.shape[-1:]
        _, centered, variance = _moments(x, (*x.shape[:-1], 1))
        normal = standardize(x, centered, 1.0 / sqrt(variance + self.epsilon))
        scale = scope.parameter("scale", features, ones)
        return normal * scale + scope.parameter("shift", features, zeros)


@dataclass(frozen=True)
class BatchNorm(Layer):
    """Batch normalization: each channel gets mean 0 and variance 1 over the batch (Ioffe & Szegedy
    2015).

    Outside training, and in a frozen layer, it uses running means and variances. As in PyTorch, the
    source of the defaults, the running variance is the unbiased one.
    """

    type: ClassVar[str] = "batch_norm"
    steps: ClassVar[bool] = True
    momentum: Rate = 0.9
    """Fraction of the running statistics carried over from step to step. In [0, 1). Default 0.9."""
    epsilon: Epsilon = 1e-5
    """Added to the variance to avoid division by zero. Greater than 0. Default 1e-5."""

    def forward(self, scope: Scope, x: Symbol) -> Symbol:
        """Map `(n, …, channels)` to (x - mean) / √(variance + ε) · scale + shift by channel."""
        channels = x.shape[-1:]
        running_mean = scope.running("mean", channels, zeros)
        running_variance = scope.running("variance", channels, ones)
        if scope.updates_running:
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
