"""Adaptive optimizers: each parameter has a step size that follows from its own gradients."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ...symbolic.trace import Array, Call, Shape
from .descent import Sgd
from .optimizer import Decay, Epsilon, LearningRate, Optimizer, Strength
from .vectors import blocks, decayed, in_units, weight_mask


@dataclass(frozen=True)
class Adagrad(Optimizer):
    """Sgd divided by the root of the sum of all squared gradients (Duchi et al. 2011).

        v ← v + g²         p ← p - rate · g / (√v + ε)

    Epsilon, its place outside the root and the start at zero are as in PyTorch.
    """

    type: ClassVar[str] = "adagrad"
    formula: ClassVar[str] = "s ← s + g², w ← w - η·g / (√s + ε)"
    step: ClassVar[str] = """
        (s,) = moments
        s += g**2
        w -= rate * g / (np.sqrt(s) + epsilon)
    """
    usual_rate: ClassVar[float] = 0.01
    moments: ClassVar[int] = 1
    learning_rate: LearningRate = 0.01
    """Step size. Greater than 0, up to 1e12. Default 0.01."""
    epsilon: Epsilon = 1e-10
    """Added to the denominator to avoid division by zero. Greater than 0. Default 1e-10."""

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
        """As `Optimizer.calls`."""
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
class RmsProp(Optimizer):
    """Sgd divided by the root of a moving mean of squared gradients (Tieleman & Hinton 2012).

        v ← decay · v + (1 - decay) · g²

    The defaults, and epsilon's place outside the root, are as in PyTorch.
    """

    type: ClassVar[str] = "rmsprop"
    formula: ClassVar[str] = "s ← ρ·s + (1 - ρ)·g², w ← w - η·g / (√s + ε)"
    step: ClassVar[str] = """
        (s,) = moments
        s *= decay
        s += (1.0 - decay) * g**2
        w -= rate * g / (np.sqrt(s) + epsilon)
    """
    usual_rate: ClassVar[float] = 0.001
    moments: ClassVar[int] = 1
    learning_rate: LearningRate = 0.01
    """Step size. Greater than 0, up to 1e12. Default 0.01."""
    decay: Decay = 0.99
    """Decay rate of the mean squared gradient. In [0, 1). Default 0.99."""
    epsilon: Epsilon = 1e-8
    """Added to the denominator to avoid division by zero. Greater than 0. Default 1e-8."""

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
        """As `Optimizer.calls`."""
        dtype, sgd = parameter.dtype, Sgd(self.learning_rate)
        epsilon = np.array(self.epsilon, dtype)
        decay, rest = np.array(self.decay, dtype), np.array(1.0 - self.decay, dtype)
        calls: list[Call] = []
        for p, g, s, (v,) in blocks(parameter, gradient, step, moments):
            calls += [
                (np.multiply, (v, decay, v)),
                (np.square, (g, s)),
                (np.multiply, (s, rest, s)),
                (np.add, (v, s, v)),
                *in_units(g, v, epsilon, s),
                *sgd.calls(p, s, s, moments, rate, steps, shapes),
            ]
        return calls


@dataclass(frozen=True)
class Adam(Optimizer):
    """Adam: RMSProp with momentum, both corrected for their start at 0 (Kingma & Ba 2015).

        m ← β₁·m + (1 - β₁)·g         v ← β₂·v + (1 - β₂)·g²
        p ← p - rate · m̂ / (√v̂ + ε)   where  m̂ = m / (1 - β₁ᵗ),  v̂ = v / (1 - β₂ᵗ)

    The moments start at zero and are too small at first; dividing by the correction compensates for
    that. The defaults come from the paper's algorithm 1, epsilon included, except for the learning
    rate: 10 times the paper's 0.001 suits small networks.
    """

    type: ClassVar[str] = "adam"
    formula: ClassVar[str] = (
        "m ← β₁·m + (1 - β₁)·g, v ← β₂·v + (1 - β₂)·g², "
        "w ← w - η·(m / (1 - β₁ᵗ)) / (√(v / (1 - β₂ᵗ)) + ε)"
    )
    step: ClassVar[str] = """
        m, v = moments
        m *= beta_1
        m += (1.0 - beta_1) * g
        v *= beta_2
        v += (1.0 - beta_2) * g**2
        m_hat, v_hat = m / (1.0 - beta_1**t), v / (1.0 - beta_2**t)
        w -= rate * m_hat / (np.sqrt(v_hat) + epsilon)
    """
    usual_rate: ClassVar[float] = 0.001
    moments: ClassVar[int] = 2
    learning_rate: LearningRate = 0.01
    """Step size. Greater than 0, up to 1e12. Default 0.01."""
    beta_1: Decay = 0.9
    """Decay rate of the mean gradient. In [0, 1). Default 0.9."""
    beta_2: Decay = 0.999
    """Decay rate of the mean squared gradient. In [0, 1). Default 0.999."""
    epsilon: Epsilon = 1e-8
    """Added to the denominator to avoid division by zero. Greater than 0. Default 1e-8."""

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
        """As `Optimizer.calls`.

        The stored moments are m / (1 - β₁) and v / (1 - β₂), which saves two calls; the constant
        factors, and the corrections, go into the rate and ε instead:

            rate · m̂ / (√v̂ + ε)  =  (rate · scale₁ / scale₂) · m' / (√v' + ε / scale₂)
            scale₁ = (1 - β₁) / (1 - β₁ᵗ)      scale₂ = √((1 - β₂) / (1 - β₂ᵗ))
        """
        vectors = (parameter, gradient, step, moments)
        return [call for part in self.parts(*vectors, rate, steps, shapes) for call in part]

    def parts(
        self,
        parameter: Array,
        gradient: Array,
        step: Array,
        moments: Array,
        rate: Array,
        steps: int,
        shapes: Mapping[str, Shape],
    ) -> Iterator[list[Call]]:
        """Yield the calls in parts: first for the whole vectors, then for each of their blocks."""
        dtype, sgd = parameter.dtype, Sgd(self.learning_rate)
        beta_1, beta_2 = np.array(self.beta_1, dtype), np.array(self.beta_2, dtype)
        scaled_rate, scaled_epsilon = np.zeros((), dtype), np.zeros((), dtype)
        yield [(self._correct, (np.array(steps, np.int64), rate, scaled_rate, scaled_epsilon))]
        for p, g, s, (m, v) in blocks(parameter, gradient, step, moments):
            yield [
                (np.multiply, (m, beta_1, m)),
                (np.add, (m, g, m)),
                (np.multiply, (v, beta_2, v)),
                (np.square, (g, s)),
                (np.add, (v, s, v)),
                *in_units(m, v, scaled_epsilon, s),
                *sgd.calls(p, s, s, moments, scaled_rate, steps, shapes),
            ]

    def in_formula(self, moments: Array, shapes: Mapping[str, Shape]) -> Array:
        """As `Optimizer.in_formula`."""
        rests = np.array([[1.0 - self.beta_1], [1.0 - self.beta_2]], moments.dtype)
        result: Array = moments * rests
        return result

    def _correct(
        self, clock: Array, rate: Array, scaled_rate: Array, scaled_epsilon: Array
    ) -> None:
        clock += 1
        t = int(clock)
        scale_1 = (1.0 - self.beta_1) / (1.0 - self.beta_1**t)
        scale_2 = math.sqrt((1.0 - self.beta_2) / (1.0 - self.beta_2**t))
        scaled_rate.fill(float(rate) * scale_1 / scale_2)
        scaled_epsilon.fill(self.epsilon / scale_2)


@dataclass(frozen=True)
class AdamW(Optimizer):
    """Adam with decoupled weight decay: p ← p - rate · weight_decay · p (Loshchilov & Hutter 2019).

    Unlike an l2 penalty, the decay is not a part of the gradient, so the moments do not see it. It
    applies to weights, not to biases and norms. The default decay is PyTorch's.
    """

    type: ClassVar[str] = "adamw"
    formula: ClassVar[str] = (
        "m ← β₁·m + (1 - β₁)·g, v ← β₂·v + (1 - β₂)·g², "
        "w ← (1 - η·λ)·w - η·(m / (1 - β₁ᵗ)) / (√(v / (1 - β₂ᵗ)) + ε)"
    )
    step: ClassVar[str] = """
        if w.ndim > 1:  # not of biases and norms
            w -= rate * weight_decay * w
        adam_step(w, g, moments, rate, t, beta_1, beta_2, epsilon)
    """
    usual_rate: ClassVar[float] = 0.001
    moments: ClassVar[int] = 2
    learning_rate: LearningRate = 0.001
    """Step size. Greater than 0, up to 1e12. Default 0.001."""
    beta_1: Decay = 0.9
    """Decay rate of the mean gradient. In [0, 1). Default 0.9."""
    beta_2: Decay = 0.999
    """Decay rate of the mean squared gradient. In [0, 1). Default 0.999."""
    epsilon: Epsilon = 1e-8
    """Added to the denominator to avoid division by zero. Greater than 0. Default 1e-8."""
    weight_decay: Strength = 0.01
    """Fraction of the weights subtracted in each step, times the learning rate. Default 0.01."""

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
        """As `Optimizer.calls`; the decay is part of the step."""
        adam = Adam(self.learning_rate, self.beta_1, self.beta_2, self.epsilon)
        vectors = (parameter, gradient, step, moments)
        first, *others = adam.parts(*vectors, rate, steps, shapes)
        decay = weight_mask(shapes) * self.weight_decay
        return [*first, *decayed(decay, parameter, step, rate, others)]

    def in_formula(self, moments: Array, shapes: Mapping[str, Shape]) -> Array:
        """As `Optimizer.in_formula`."""
        return Adam(beta_1=self.beta_1, beta_2=self.beta_2).in_formula(moments, shapes)
