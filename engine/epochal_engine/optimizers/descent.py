"""Down the gradient: as it is, with memory, and with a look ahead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..trace import Array, Call, Shape
from .vectors import check


@dataclass(frozen=True)
class Sgd:
    """Stochastic gradient descent: p ← p - rate · g (Robbins and Monro, 1951)."""

    type: ClassVar[str] = "sgd"
    moments: ClassVar[int] = 0
    """How many vectors the optimizer carries from step to step."""
    learning_rate: float

    def __post_init__(self) -> None:
        check(self.learning_rate)

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
        """The NumPy calls of one update, which leave the step that they took in `step`.

        `parameter`, `gradient`, `step`: `(size,)`; `moments`: `(self.moments, size)`; `rate`: `()`,
        the learning rate, which may change between calls; `steps`: the steps already taken;
        `shapes`: those of the parameters that lie in the vectors, by name and in order. The vectors
        may hold several networks of these shapes one after the other.
        """
        return [
            (np.multiply, (gradient, rate, step)),
            (np.subtract, (parameter, step, parameter)),
        ]


@dataclass(frozen=True)
class Perceptron:
    """Rosenblatt's rule, w ← w + rate · (y - ŷ) · x: Sgd, one sample at a time, on `perceptron`.

    From zeros any rate gives the same answers, hence the usual one of 1 (Rosenblatt, 1958).
    """

    type: ClassVar[str] = "perceptron"
    moments: ClassVar[int] = 0
    learning_rate: float = 1.0

    def __post_init__(self) -> None:
        check(self.learning_rate)

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
        sgd = Sgd(self.learning_rate)
        return sgd.calls(parameter, gradient, step, moments, rate, steps, shapes)


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
        check(self.learning_rate, momentum=self.momentum)

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
        """As for `Sgd`, with the velocity for the gradient."""
        (velocity,) = moments
        sgd = Sgd(self.learning_rate)
        return [
            (np.multiply, (velocity, np.array(self.momentum, velocity.dtype), velocity)),
            (np.add, (velocity, gradient, velocity)),
            *sgd.calls(parameter, velocity, step, moments, rate, steps, shapes),
        ]


@dataclass(frozen=True)
class Nesterov:
    """Momentum that looks ahead: v ← momentum · v + g, p ← p - rate · (momentum · v + g).

    Nesterov (1983), in the form of Sutskever et al. (2013) that PyTorch has: the parameters are
    those that are looked ahead from. The default is that of `Momentum`.
    """

    type: ClassVar[str] = "nesterov"
    moments: ClassVar[int] = 1
    learning_rate: float
    momentum: float = 0.9

    def __post_init__(self) -> None:
        check(self.learning_rate, momentum=self.momentum)

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
        sgd = Sgd(self.learning_rate)
        return [
            *look_ahead(gradient, step, moments[0], self.momentum),
            *sgd.calls(parameter, step, step, moments, rate, steps, shapes),
        ]


def look_ahead(gradient: Array, step: Array, velocity: Array, momentum: float) -> list[Call]:
    """v ← momentum · v + g, and momentum · v + g into `step`."""
    share = np.array(momentum, velocity.dtype)
    return [
        (np.multiply, (velocity, share, velocity)),
        (np.add, (velocity, gradient, velocity)),
        (np.multiply, (velocity, share, step)),
        (np.add, (step, gradient, step)),
    ]
