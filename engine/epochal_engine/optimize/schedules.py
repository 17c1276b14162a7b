"""A schedule changes the learning rate from epoch to epoch: large steps first, then fine ones."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, TypeAlias

import numpy as np

from ..model.components import Component, Range
from ..symbolic.trace import Array

Fraction: TypeAlias = Annotated[float, Range(least=0, most=1)]
Factor: TypeAlias = Annotated[float, Range(above=0, most=1)]


@dataclass(frozen=True)
class Schedule(Component):
    """A schedule. A subclass with a `type` is known to the API by it."""

    table: ClassVar[dict[str, type[Schedule]]] = {}

    def value(self, epoch: float, epochs: int, base: float) -> float:
        """Return the learning rate after `epoch` of `epochs` epochs: 0 for the first, and so on.

        `base` is the learning rate of the optimizer. `epoch` may be fractional.
        """
        raise NotImplementedError

    def values(self, after: Sequence[int], epochs: int, base: float) -> Array:
        """Return the learning rate after each of these numbers of epochs, as float64."""
        return np.array([self.value(epoch, epochs, base) for epoch in after])


@dataclass(frozen=True)
class Constant(Schedule):
    """A constant learning rate."""

    type: ClassVar[str] = "constant"

    def value(self, epoch: float, epochs: int, base: float) -> float:
        """As `Schedule.value`."""
        return base

    def values(self, after: Sequence[int], epochs: int, base: float) -> Array:
        """As `Schedule.values`."""
        return np.full(len(after), base)


@dataclass(frozen=True)
class Step(Schedule):
    """Step decay: multiplies the learning rate by `factor` every `every` epochs.

    The default factor is PyTorch's.
    """

    type: ClassVar[str] = "step"
    every: Annotated[int, Range(least=1)]
    """Epochs between two multiplications."""
    factor: Factor = 0.1
    """Factor applied to the learning rate. In (0, 1]. Default 0.1."""

    def value(self, epoch: float, epochs: int, base: float) -> float:
        """As `Schedule.value`."""
        return base * float(self.factor ** (epoch // self.every))


@dataclass(frozen=True)
class Exponential(Schedule):
    """Exponential decay: multiplies the learning rate by `decay` every epoch."""

    type: ClassVar[str] = "exponential"
    decay: Factor
    """Factor applied to the learning rate. In (0, 1]."""

    def value(self, epoch: float, epochs: int, base: float) -> float:
        """As `Schedule.value`."""
        return Step(1, self.decay).value(epoch, epochs, base)


@dataclass(frozen=True)
class Cosine(Schedule):
    """Cosine decay after a linear warm-up (Loshchilov & Hutter 2017).

    Source: Loshchilov and Hutter, "SGDR" (2017), without restarts; the warm-up as in Goyal et al.,
    "Accurate, Large Minibatch SGD" (2017).
    """

    type: ClassVar[str] = "cosine"
    warmup_epochs: Annotated[int, Range(least=0)] = 0
    """Epochs in which the rate rises linearly to the optimizer's rate. At least 0. Default 0."""
    final_fraction: Fraction = 0.0
    """Learning rate after the last epoch as a fraction of the optimizer's. In [0, 1]. Default 0."""

    def value(self, epoch: float, epochs: int, base: float) -> float:
        """As `Schedule.value`."""
        if epoch < self.warmup_epochs:
            return base * (epoch + 1) / (self.warmup_epochs + 1)
        progress = (epoch - self.warmup_epochs) / max(epochs - self.warmup_epochs, 1)
        return base * _half_cosine(1.0, self.final_fraction, progress)


@dataclass(frozen=True)
class OneCycle(Schedule):
    """The one-cycle schedule: half a cosine up, then half a cosine down (Smith & Topin 2018).

    The last epoch of the rising part has the learning rate of the optimizer. Source: Smith and
    Topin, "Super-Convergence" (2018), in the form of PyTorch, also the source of the defaults.
    """

    type: ClassVar[str] = "one_cycle"
    rising_fraction: Annotated[float, Range(above=0, below=1)] = 0.3
    """Fraction of the epochs in which the learning rate rises. In (0, 1). Default 0.3."""
    initial_fraction: Factor = 0.04
    """First learning rate as a fraction of the optimizer's. In (0, 1]. Default 0.04."""
    final_fraction: Fraction = 4e-6
    """Last learning rate as a fraction of the optimizer's. In [0, 1]. Default 4e-6."""

    def value(self, epoch: float, epochs: int, base: float) -> float:
        """As `Schedule.value`."""
        peak, last = max(self.rising_fraction * epochs - 1.0, 0.0), epochs - 1.0
        if epoch <= peak:
            progress = epoch / peak if peak > 0.0 else 1.0
            return base * _half_cosine(self.initial_fraction, 1.0, progress)
        progress = (epoch - peak) / (last - peak) if last > peak else 1.0
        return base * _half_cosine(1.0, self.final_fraction, progress)


@dataclass(frozen=True)
class ReduceOnPlateau(Schedule):
    """Multiplies the learning rate by `factor` after `patience` epochs without a better loss.

    The loss is the validation loss if there is one, else the training loss. The defaults and the
    criterion of an improvement are as in PyTorch, see `stopping.py`, which tracks the loss.
    """

    type: ClassVar[str] = "reduce_on_plateau"
    factor: Annotated[float, Range(above=0, below=1)] = 0.1
    """Factor applied to the learning rate. In (0, 1). Default 0.1."""
    patience: Annotated[int, Range(least=1)] = 10
    """Epochs without an improvement. At least 1. Default 10."""

    def value(self, epoch: float, epochs: int, base: float) -> float:
        """The learning rate after `epoch` of `epochs` epochs without a plateau."""
        return base


def _half_cosine(start: float, end: float, progress: float) -> float:
    """Interpolate from `start` to `end` as `progress` goes from 0 to 1."""
    return end + (start - end) * 0.5 * (1.0 + math.cos(math.pi * min(progress, 1.0)))


SCHEDULES: dict[str, type[Schedule]] = Schedule.table
"""All schedules by type."""
