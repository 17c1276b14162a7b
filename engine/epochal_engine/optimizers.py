"""An optimizer turns a gradient into a step; each one here is the one before it plus an idea.

All parameters of a network are one flat vector, and so are its gradient and the step, so that an
update is a handful of NumPy calls however many layers there are:

    Sgd        the step is rate · gradient
    Momentum   Sgd with memory: the step is rate · velocity
    Adam       Momentum whose step each parameter measures by its own usual gradient
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

import numpy as np

from .trace import Array, Call

BLOCK = 65_536
"""Elements that Adam works on at a time: large vectors then pass through the cache only once."""


@dataclass(frozen=True)
class Sgd:
    """Stochastic gradient descent: p ← p - rate · g (Robbins and Monro, 1951)."""

    type: ClassVar[str] = "sgd"
    moments: ClassVar[int] = 0
    """How many vectors the optimizer carries from step to step."""
    learning_rate: float

    def __post_init__(self) -> None:
        _check(self.learning_rate)

    def calls(
        self,
        parameter: Array,
        gradient: Array,
        step: Array,
        moments: Array,
        rate: Array,
        steps: int,
    ) -> list[Call]:
        """The NumPy calls of one update, which leave the step that they took in `step`.

        `parameter`, `gradient`, `step`: `(size,)`; `moments`: `(self.moments, size)`; `rate`: `()`,
        the learning rate, which may change between calls; `steps`: the steps already taken.
        """
        return [
            (np.multiply, (gradient, rate, step)),
            (np.subtract, (parameter, step, parameter)),
        ]


@dataclass(frozen=True)
class Momentum:
    """Gradient descent with memory: v ← momentum · v + g, p ← p - rate · v (Polyak, 1964).

    As in PyTorch, and unlike Sutskever et al. (2013), the rate is no part of the velocity. The
    default of 0.9 is that of most of the literature.
    """

    type: ClassVar[str] = "momentum"
    moments: ClassVar[int] = 1
    learning_rate: float
    momentum: float = 0.9

    def __post_init__(self) -> None:
        _check(self.learning_rate, momentum=self.momentum)

    def calls(
        self,
        parameter: Array,
        gradient: Array,
        step: Array,
        moments: Array,
        rate: Array,
        steps: int,
    ) -> list[Call]:
        """As for `Sgd`, with the velocity for the gradient."""
        (velocity,) = moments
        return [
            (np.multiply, (velocity, np.array(self.momentum, velocity.dtype), velocity)),
            (np.add, (velocity, gradient, velocity)),
            *Sgd(self.learning_rate).calls(parameter, velocity, step, moments, rate, steps),
        ]


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
        _check(self.learning_rate, beta_1=self.beta_1, beta_2=self.beta_2)
        if not self.epsilon > 0.0:
            raise ValueError("epsilon must be positive")

    def calls(
        self,
        parameter: Array,
        gradient: Array,
        step: Array,
        moments: Array,
        rate: Array,
        steps: int,
    ) -> list[Call]:
        """As for `Sgd`.

        The kept moments are m / (1 - β₁) and v / (1 - β₂), which saves two calls; the constant
        factors, and the corrections, go into the rate and ε instead:

            rate · m̂ / (√v̂ + ε)  =  (rate · scale₁ / scale₂) · m' / (√v' + ε / scale₂)
            scale₁ = (1 - β₁) / (1 - β₁ᵗ)      scale₂ = √((1 - β₂) / (1 - β₂ᵗ))
        """
        dtype = parameter.dtype
        beta_1, beta_2 = np.array(self.beta_1, dtype), np.array(self.beta_2, dtype)
        scaled_rate, scaled_epsilon = np.zeros((), dtype), np.zeros((), dtype)
        calls: list[Call] = [
            (self._correct, (itertools.count(steps + 1), rate, scaled_rate, scaled_epsilon))
        ]
        for start in range(0, parameter.size, BLOCK):
            part = slice(start, start + BLOCK)
            p, g, s, (m, v) = parameter[part], gradient[part], step[part], moments[:, part]
            calls += [
                (np.multiply, (m, beta_1, m)),
                (np.add, (m, g, m)),
                (np.multiply, (v, beta_2, v)),
                (np.square, (g, s)),
                (np.add, (v, s, v)),
                (np.sqrt, (v, s)),
                (np.add, (s, scaled_epsilon, s)),
                (np.divide, (m, s, s)),
                (np.multiply, (s, scaled_rate, s)),
                (np.subtract, (p, s, p)),
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


def _check(learning_rate: float, **decays: float) -> None:
    if not 0.0 <= learning_rate < math.inf:
        raise ValueError("learning_rate must be a finite number that is not negative")
    for name, decay in decays.items():
        if not 0.0 <= decay < 1.0:
            raise ValueError(f"{name} must be at least 0 and less than 1")


Optimizer: TypeAlias = Sgd | Momentum | Adam
OPTIMIZERS: dict[str, type[Optimizer]] = {o.type: o for o in (Sgd, Momentum, Adam)}
"""All optimizers by the name that the API knows."""
