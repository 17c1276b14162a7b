"""A schedule changes the learning rate from epoch to epoch: large steps first, then fine ones."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, TypeAlias


@dataclass(frozen=True)
class Constant:
    """The same learning rate throughout."""

    type: ClassVar[str] = "constant"

    def value(self, epoch: int, epochs: int, base: float) -> float:
        """The learning rate after `epoch` of `epochs` epochs."""
        return base


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

    def value(self, epoch: int, epochs: int, base: float) -> float:
        """The learning rate after `epoch` of `epochs` epochs: 0 for the first, and so on."""
        if epoch < self.warmup_epochs:
            return base * (epoch + 1) / (self.warmup_epochs + 1)
        share_done = (epoch - self.warmup_epochs) / max(epochs - self.warmup_epochs, 1)
        share_left = 0.5 * (1.0 + math.cos(math.pi * min(share_done, 1.0)))
        return base * (self.final_fraction + (1.0 - self.final_fraction) * share_left)


Schedule: TypeAlias = Constant | Cosine
SCHEDULES: dict[str, type[Schedule]] = {s.type: s for s in (Constant, Cosine)}
"""All schedules by the name that the API knows."""
