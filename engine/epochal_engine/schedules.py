"""A schedule changes the learning rate from epoch to epoch: large steps first, then fine ones."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, TypeAlias


@dataclass(frozen=True)
class Constant:
    """The same learning rate throughout."""

    type: ClassVar[str] = "constant"

    def value(self, epoch: float, epochs: int, base: float) -> float:
        """The learning rate after `epoch` of `epochs` epochs."""
        return base


@dataclass(frozen=True)
class Step:
    """The rate times `factor` every so many epochs. The default factor is that of PyTorch."""

    type: ClassVar[str] = "step"
    every: int
    factor: float = 0.1

    def __post_init__(self) -> None:
        if self.every < 1:
            raise ValueError("every must be at least 1 epoch")
        _check_factor("factor", self.factor)

    def value(self, epoch: float, epochs: int, base: float) -> float:
        """The learning rate after `epoch` of `epochs` epochs."""
        return base * float(self.factor ** (epoch // self.every))


@dataclass(frozen=True)
class Exponential:
    """The rate times `decay` every epoch: a `Step` for each."""

    type: ClassVar[str] = "exponential"
    decay: float

    def __post_init__(self) -> None:
        _check_factor("decay", self.decay)

    def value(self, epoch: float, epochs: int, base: float) -> float:
        """The learning rate after `epoch` of `epochs` epochs."""
        return Step(1, self.decay).value(epoch, epochs, base)


@dataclass(frozen=True)
class Cosine:
    """Half a cosine from the base rate down to a fraction of it, after a linear warm-up.

    Source: Loshchilov and Hutter, "SGDR" (2017), without restarts; the warm-up as in Goyal et al.,
    "Accurate, Large Minibatch SGD" (2017).
    """

    type: ClassVar[str] = "cosine"
    warmup_epochs: int = 0
    """Epochs before the base rate is reached, in equal steps from above zero."""
    final_fraction: float = 0.0
    """What is left of the base rate after the last epoch, 0 to 1."""

    def __post_init__(self) -> None:
        if self.warmup_epochs < 0:
            raise ValueError("warmup_epochs must not be negative")
        if not 0.0 <= self.final_fraction <= 1.0:
            raise ValueError("final_fraction must lie between 0 and 1")

    def value(self, epoch: float, epochs: int, base: float) -> float:
        """The learning rate after `epoch` of `epochs` epochs: 0 for the first, and so on.

        Half an epoch is on the way from one to the next.
        """
        if epoch < self.warmup_epochs:
            return base * (epoch + 1) / (self.warmup_epochs + 1)
        share_done = (epoch - self.warmup_epochs) / max(epochs - self.warmup_epochs, 1)
        return base * _half_cosine(1.0, self.final_fraction, share_done)


@dataclass(frozen=True)
class OneCycle:
    """Half a cosine up to the base rate, and half a cosine down to nearly nothing.

    The first epoch has `initial_fraction` of the base rate, the last one `final_fraction`; the base
    rate is that of the epoch with which `rising_fraction` of all epochs are over. Source: Smith and
    Topin, "Super-Convergence" (2018), in the form of PyTorch, whose defaults these are.
    """

    type: ClassVar[str] = "one_cycle"
    rising_fraction: float = 0.3
    initial_fraction: float = 1.0 / 25.0
    final_fraction: float = 4e-6

    def __post_init__(self) -> None:
        for name in ("rising_fraction", "initial_fraction", "final_fraction"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"{name} must lie between 0 and 1")

    def value(self, epoch: float, epochs: int, base: float) -> float:
        """The learning rate after `epoch` of `epochs` epochs."""
        peak, last = max(self.rising_fraction * epochs - 1.0, 0.0), epochs - 1.0
        if epoch <= peak:
            share = epoch / peak if peak > 0.0 else 1.0
            return base * _half_cosine(self.initial_fraction, 1.0, share)
        share = (epoch - peak) / (last - peak) if last > peak else 1.0
        return base * _half_cosine(1.0, self.final_fraction, share)


@dataclass(frozen=True)
class ReduceOnPlateau:
    """The rate times `factor` whenever the loss has not improved for more than `patience` epochs.

    Watches the validation loss if there is one, else the training loss. The defaults are those of
    PyTorch, as is what counts as improved, see `stopping.py`, where what has been seen is kept.
    """

    type: ClassVar[str] = "reduce_on_plateau"
    factor: float = 0.1
    patience: int = 10

    def __post_init__(self) -> None:
        _check_factor("factor", self.factor)
        if self.patience < 0:
            raise ValueError("patience must not be negative")

    def value(self, epoch: float, epochs: int, base: float) -> float:
        """The learning rate after `epoch` of `epochs` epochs without a plateau."""
        return base


def _half_cosine(start: float, end: float, share: float) -> float:
    """From `start` to `end` as `share` goes from 0 to 1, and `end` beyond."""
    return end + (start - end) * 0.5 * (1.0 + math.cos(math.pi * min(share, 1.0)))


def _check_factor(name: str, factor: float) -> None:
    if not 0.0 < factor <= 1.0:
        raise ValueError(f"{name} must be greater than 0 and at most 1")


Schedule: TypeAlias = Constant | Step | Exponential | Cosine | OneCycle | ReduceOnPlateau
SCHEDULES: dict[str, type[Schedule]] = {
    s.type: s for s in (Constant, Step, Exponential, Cosine, OneCycle, ReduceOnPlateau)
}
"""All schedules by the name that the API knows."""
