"""Of a momentum only the signs count."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..trace import Array, Call, Shape
from .descent import Sgd
from .vectors import blocks, check, check_weight_decay, decayed, weight_mask


@dataclass(frozen=True)
class Lion:
    """The sign of a momentum, as it will be and as it was: every parameter steps by the rate.

        p ← p - rate · (sign(β₁·m + (1 - β₁)·g) + weight_decay · p)         m ← β₂·m + (1 - β₂)·g

    Source, and that of the betas: Chen et al., "Symbolic Discovery of Optimization Algorithms"
    (2023), algorithm 2; its authors' code has no decay by default. They advise a rate 3 to 10 times
    smaller than AdamW's, and a decay as many times larger.
    """

    type: ClassVar[str] = "lion"
    moments: ClassVar[int] = 1
    learning_rate: float
    beta_1: float = 0.9
    beta_2: float = 0.99
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        check(self.learning_rate, beta_1=self.beta_1, beta_2=self.beta_2)
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
        """As for `Sgd`; the decay is part of the step.

        The kept moment is m / (1 - β₂), which saves a call: of what is put into the sign, only the
        proportion of its two parts counts.
        """
        dtype, sgd = parameter.dtype, Sgd(self.learning_rate)
        share = np.array(self.beta_1 * (1.0 - self.beta_2) / (1.0 - self.beta_1), dtype)
        beta_2 = np.array(self.beta_2, dtype)
        calls: list[Call] = []
        for p, g, s, (m,) in blocks(parameter, gradient, step, moments):
            calls += [
                (np.multiply, (m, share, s)),
                (np.add, (s, g, s)),
                (np.sign, (s, s)),
                *sgd.calls(p, s, s, moments, rate, steps, shapes),
                (np.multiply, (m, beta_2, m)),
                (np.add, (m, g, m)),
            ]
        return decayed(weight_mask(shapes) * self.weight_decay, parameter, step, rate, calls)
