"""Gradient descent: plain, with momentum, and with Nesterov momentum."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ...symbolic.trace import Array, Call, Shape
from .optimizer import Decay, LearningRate, Optimizer


@dataclass(frozen=True)
class Sgd(Optimizer):
    """Stochastic gradient descent: p ← p - rate · g (Robbins & Monro 1951)."""

    type: ClassVar[str] = "sgd"
    formula: ClassVar[str] = "w ← w - η·g"
    step: ClassVar[str] = "w -= rate * g"
    usual_rate: ClassVar[float] = 0.1
    learning_rate: LearningRate = 0.1
    """Step size. Greater than 0, up to 1e12. Default 0.1."""

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
        return [
            (np.multiply, (gradient, rate, step)),
            (np.subtract, (parameter, step, parameter)),
        ]


@dataclass(frozen=True)
class Perceptron(Optimizer):
    """Rosenblatt's rule (1958), w ← w + rate · (y - ŷ) · x, for a network that ends in a step.

    It is Sgd, one sample at a time, on the loss `perceptron`. From zeros any rate gives the same
    predictions; the usual one is 1.
    """

    type: ClassVar[str] = "perceptron"
    formula: ClassVar[str] = "w ← w - η·g"
    step: ClassVar[str] = "w -= rate * g"
    usual_rate: ClassVar[float] = 1.0
    learning_rate: LearningRate = 1.0
    """Step size. Greater than 0, up to 1e12. Default 1."""

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
        sgd = Sgd(self.learning_rate)
        return sgd.calls(parameter, gradient, step, moments, rate, steps, shapes)


@dataclass(frozen=True)
class Momentum(Optimizer):
    """Gradient descent with momentum: v ← momentum · v + g, p ← p - rate · v (Polyak 1964).

    As in PyTorch, and unlike Sutskever et al. (2013), the rate is not a part of the velocity. The
    default of 0.9 is the usual value in the literature.
    """

    type: ClassVar[str] = "momentum"
    formula: ClassVar[str] = "v ← μ·v + g, w ← w - η·v"
    step: ClassVar[str] = """
        (v,) = moments
        v *= momentum
        v += g
        w -= rate * v
    """
    usual_rate: ClassVar[float] = 0.01
    moments: ClassVar[int] = 1
    learning_rate: LearningRate = 0.01
    """Step size. Greater than 0, up to 1e12. Default 0.01."""
    momentum: Decay = 0.9
    """Fraction of the previous velocity carried over to the next. In [0, 1). Default 0.9."""

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
        """As `Optimizer.calls`, with the velocity for the gradient."""
        (velocity,) = moments
        sgd = Sgd(self.learning_rate)
        return [
            (np.multiply, (velocity, np.array(self.momentum, velocity.dtype), velocity)),
            (np.add, (velocity, gradient, velocity)),
            *sgd.calls(parameter, velocity, step, moments, rate, steps, shapes),
        ]


@dataclass(frozen=True)
class Nesterov(Optimizer):
    """Nesterov momentum: v ← momentum · v + g, p ← p - rate · (momentum · v + g) (Nesterov 1983).

    In the form of Sutskever et al. (2013) that PyTorch has. The default is the same as in
    `Momentum`.
    """

    type: ClassVar[str] = "nesterov"
    formula: ClassVar[str] = "v ← μ·v + g, w ← w - η·(g + μ·v)"
    step: ClassVar[str] = """
        (v,) = moments
        v *= momentum
        v += g
        w -= rate * (momentum * v + g)
    """
    usual_rate: ClassVar[float] = 0.01
    moments: ClassVar[int] = 1
    learning_rate: LearningRate = 0.01
    """Step size. Greater than 0, up to 1e12. Default 0.01."""
    momentum: Decay = 0.9
    """Fraction of the previous velocity carried over to the next. In [0, 1). Default 0.9."""

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
        sgd = Sgd(self.learning_rate)
        return [
            *look_ahead(gradient, step, moments[0], self.momentum),
            *sgd.calls(parameter, step, step, moments, rate, steps, shapes),
        ]


def look_ahead(gradient: Array, step: Array, velocity: Array, momentum: float) -> list[Call]:
    """Return the calls of v ← momentum · v + g, step ← momentum · v + g."""
    factor = np.array(momentum, velocity.dtype)
    return [
        (np.multiply, (velocity, factor, velocity)),
        (np.add, (velocity, gradient, velocity)),
        (np.multiply, (velocity, factor, step)),
        (np.add, (step, gradient, step)),
    ]
