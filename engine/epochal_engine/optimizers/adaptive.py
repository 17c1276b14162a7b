"""Each parameter in units of its own gradients: by all of them, by the usual one, with memory."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..trace import Array, Call, Shape
from .descent import Sgd
from .vectors import (
    blocks,
    check,
    check_epsilon,
    check_weight_decay,
    decayed,
    in_units,
    weight_mask,
)


@dataclass(frozen=True)
class Adagrad:
    """Sgd in units of the root of all squared gradients so far (Duchi, Hazan and Singer, 2011).

        v ← v + g²         p ← p - rate · g / (√v + ε)

    Epsilon, its place outside the root and the start at zero are those of PyTorch.
    """

    type: ClassVar[str] = "adagrad"
    moments: ClassVar[int] = 1
    learning_rate: float
    epsilon: float = 1e-10

    def __post_init__(self) -> None:
        check(self.learning_rate)
        check_epsilon(self.epsilon)

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
        """As for `Sgd`."""
        epsilon, sgd = np.array(self.epsilon, parameter.dtype), Sgd(self.learning_rate)
        calls: list[Call] = []
        for p, g, s, (v,) in blocks(parameter, gradient, step, moments):
            calls += [
                (np.square, (g, s)),
                (np.add, (v, s, v)),
                *in_units(g, v, epsilon, s),
                *sgd.calls(p, s, s, moments, rate, steps, shapes),
            ]
        return calls


@dataclass(frozen=True)
class RmsProp:
    """Adagrad that forgets: v ← decay · v + (1 - decay) · g² (Tieleman and Hinton, 2012).

    The defaults, and epsilon's place outside the root, are those of PyTorch.
    """

    type: ClassVar[str] = "rmsprop"
    moments: ClassVar[int] = 1
    learning_rate: float
    decay: float = 0.99
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        check(self.learning_rate, decay=self.decay)
        check_epsilon(self.epsilon)

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
        """As for `Sgd`."""
        dtype, sgd = parameter.dtype, Sgd(self.learning_rate)
        epsilon = np.array(self.epsilon, dtype)
        kept, fresh = np.array(self.decay, dtype), np.array(1.0 - self.decay, dtype)
        calls: list[Call] = []
        for p, g, s, (v,) in blocks(parameter, gradient, step, moments):
            calls += [
                (np.multiply, (v, kept, v)),
                (np.square, (g, s)),
                (np.multiply, (s, fresh, s)),
                (np.add, (v, s, v)),
                *in_units(g, v, epsilon, s),
                *sgd.calls(p, s, s, moments, rate, steps, shapes),
            ]
        return calls


@dataclass(frozen=True)
class Adam:
    """Momentum in units of each parameter's usual gradient (Kingma and Ba, 2015, algorithm 1).

        m ← β₁·m + (1 - β₁)·g         v ← β₂·v + (1 - β₂)·g²
        p ← p - rate · m̂ / (√v̂ + ε)   where  m̂ = m / (1 - β₁ᵗ),  v̂ = v / (1 - β₂ᵗ)

    The moments start at zero and are too small at first; dividing by the correction makes up for
    it. The defaults, epsilon included, are the paper's.
    """

    type: ClassVar[str] = "adam"
    moments: ClassVar[int] = 2
    learning_rate: float
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        check(self.learning_rate, beta_1=self.beta_1, beta_2=self.beta_2)
        check_epsilon(self.epsilon)

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
        """As for `Sgd`.

        The kept moments are m / (1 - β₁) and v / (1 - β₂), which saves two calls; the constant
        factors, and the corrections, go into the rate and ε instead:

            rate · m̂ / (√v̂ + ε)  =  (rate · scale₁ / scale₂) · m' / (√v' + ε / scale₂)
            scale₁ = (1 - β₁) / (1 - β₁ᵗ)      scale₂ = √((1 - β₂) / (1 - β₂ᵗ))
        """
        dtype, sgd = parameter.dtype, Sgd(self.learning_rate)
        beta_1, beta_2 = np.array(self.beta_1, dtype), np.array(self.beta_2, dtype)
        scaled_rate, scaled_epsilon = np.zeros((), dtype), np.zeros((), dtype)
        calls: list[Call] = [
            (self._correct, (itertools.count(steps + 1), rate, scaled_rate, scaled_epsilon))
        ]
        for p, g, s, (m, v) in blocks(parameter, gradient, step, moments):
            calls += [
                (np.multiply, (m, beta_1, m)),
                (np.add, (m, g, m)),
                (np.multiply, (v, beta_2, v)),
                (np.square, (g, s)),
                (np.add, (v, s, v)),
                *in_units(m, v, scaled_epsilon, s),
                *sgd.calls(p, s, s, moments, scaled_rate, steps, shapes),
            ]
        return calls

    def _correct(
        self, clock: Iterator[int], rate: Array, scaled_rate: Array, scaled_epsilon: Array
    ) -> None:
        t = next(clock)
        scale_1 = (1.0 - self.beta_1) / (1.0 - self.beta_1**t)
        scale_2 = math.sqrt((1.0 - self.beta_2) / (1.0 - self.beta_2**t))
        scaled_rate.fill(float(rate) * scale_1 / scale_2)
        scaled_epsilon.fill(self.epsilon / scale_2)


@dataclass(frozen=True)
class AdamW:
    """Adam whose weights also shrink by themselves: p ← p - rate · weight_decay · p before a step.

    Unlike an l2 penalty, the decay is no part of the gradient, and so is not measured by its usual
    size (Loshchilov and Hutter, "Decoupled Weight Decay Regularization", 2019). It is for weights;
    biases and gains keep their size. The default decay is that of PyTorch.
    """

    type: ClassVar[str] = "adamw"
    moments: ClassVar[int] = 2
    learning_rate: float
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float = 0.01

    def __post_init__(self) -> None:
        check(self.learning_rate, beta_1=self.beta_1, beta_2=self.beta_2)
        check_epsilon(self.epsilon)
        check_weight_decay(self.weight_decay)

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
        """As for `Sgd`; the decay is part of the step."""
        adam = Adam(self.learning_rate, self.beta_1, self.beta_2, self.epsilon)
        return decayed(
            weight_mask(shapes) * self.weight_decay,
            parameter,
            step,
            rate,
            adam.calls(parameter, gradient, step, moments, rate, steps, shapes),
        )
