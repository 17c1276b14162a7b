"""Lion: steps by the sign of a momentum."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ...symbolic.trace import Array, Call, Shape
from .descent import Sgd
from .optimizer import Decay, LearningRate, Optimizer, Strength
from .vectors import blocks, decayed, weight_mask


@dataclass(frozen=True)
class Lion(Optimizer):
    """Lion: each parameter moves by the learning rate, in the direction of the sign of a momentum
    (Chen et al. 2023).

        p ← p - rate · (sign(β₁·m + (1 - β₁)·g) + weight_decay · p)         m ← β₂·m + (1 - β₂)·g

    Source, also of the betas: Chen et al., "Symbolic Discovery of Optimization Algorithms"
    (2023), algorithm 2; the authors' code has no decay by default. They recommend a learning rate 3
    to 10 times smaller than AdamW's, and a decay larger by the same factor.
    """

    type: ClassVar[str] = "lion"
    formula: ClassVar[str] = "w ← w - η·(sign(β₁·m + (1 - β₁)·g) + λ·w), m ← β₂·m + (1 - β₂)·g"
    step: ClassVar[str] = """
        (m,) = moments
        if w.ndim > 1:  # not of biases and norms
            w -= rate * weight_decay * w
        w -= rate * np.sign(beta_1 * m + (1.0 - beta_1) * g)
        m *= beta_2
        m += (1.0 - beta_2) * g
    """
    usual_rate: ClassVar[float] = 0.0001
    moments: ClassVar[int] = 1
    learning_rate: LearningRate = 0.0001
    """Step size. Greater than 0, up to 1e12. Default 0.0001."""
    beta_1: Decay = 0.9
    """Fraction of the momentum in the direction of a step; the rest is the gradient. In [0, 1).
    Default 0.9.
    """
    beta_2: Decay = 0.99
    """Decay rate of the momentum. In [0, 1). Default 0.99."""
    weight_decay: Strength = 0.0
    """Fraction of the weights subtracted in each step, times the learning rate. Default 0."""

    def calls(
        self,
        parameter: Array,
        gradient: Array,
        step: Array,
        moments: Array,
        rate: Array,
        steps: int,
        shapes: Mapping[str, Shape],
    ) -> list[Call]:
        """As `Optimizer.calls`; the decay is part of the step.

        The kept moment is m / (1 - β₂), which saves a call: the sign depends only on the proportion
        of its two parts.
        """
        dtype, sgd = parameter.dtype, Sgd(self.learning_rate)
        share = np.array(self.beta_1 * (1.0 - self.beta_2) / (1.0 - self.beta_1), dtype)
        beta_2 = np.array(self.beta_2, dtype)
        parts: list[list[Call]] = [
            [
                (np.multiply, (m, share, s)),
                (np.add, (s, g, s)),
                (np.sign, (s, s)),
                *sgd.calls(p, s, s, moments, rate, steps, shapes),
                (np.multiply, (m, beta_2, m)),
                (np.add, (m, g, m)),
            ]
            for p, g, s, (m,) in blocks(parameter, gradient, step, moments)
        ]
        return decayed(weight_mask(shapes) * self.weight_decay, parameter, step, rate, parts)

    def in_formula(self, moments: Array, shapes: Mapping[str, Shape]) -> Array:
        """As `Optimizer.in_formula`."""
        result: Array = moments * np.array(1.0 - self.beta_2, moments.dtype)
        return result
