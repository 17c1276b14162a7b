"""A step for a hidden matrix that moves all its directions alike."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..trace import Array, Call, Shape
from .adaptive import Adam
from .descent import Sgd, look_ahead
from .vectors import check, check_epsilon, check_weight_decay, decayed, weight_mask

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
"""Coefficients of the polynomial a·x + b·x³ + c·x⁵ that drives singular values toward 1: those of
Jordan et al., steepest at 0. Five rounds leave them between about 0.7 and 1.2."""
NEWTON_SCHULZ_ROUNDS = 5


@dataclass(frozen=True)
class Muon:
    """Nesterov for hidden matrices, each step made orthogonal; AdamW for all other parameters.

    A gradient mostly stretches few directions. Orthogonalized, its step moves all of them alike: if
    UΣVᵀ is the momentum, the step is about UVᵀ times √max(1, units / fan_in). Hidden are the
    matrices, and the kernels as matrices `(fan_in, units)`, of all layers that have some but the
    first and the last.

    Source, and that of the defaults: Jordan et al., "Muon: An optimizer for hidden layers in neural
    networks" (2024), and its code.
    """

    type: ClassVar[str] = "muon"
    moments: ClassVar[int] = 2
    learning_rate: float
    momentum: float = 0.95
    weight_decay: float = 0.0
    adam_fraction: float = 0.015
    """The rate of AdamW over that of the hidden matrices: its authors' 3e-4 over 0.02."""
    beta_1: float = 0.9
    beta_2: float = 0.95
    epsilon: float = 1e-10

    def __post_init__(self) -> None:
        check(self.learning_rate, momentum=self.momentum, beta_1=self.beta_1, beta_2=self.beta_2)
        check_epsilon(self.epsilon)
        check_weight_decay(self.weight_decay)
        if not 0.0 <= self.adam_fraction < math.inf:
            raise ValueError("adam_fraction must be a finite number that is not negative")

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
        sgd = Sgd(self.learning_rate)
        adam_rate, fraction = np.zeros((), rate.dtype), np.array(self.adam_fraction, rate.dtype)
        stretches = _hidden_and_other(shapes)
        calls: list[Call] = [(np.multiply, (rate, fraction, adam_rate))]
        for first in range(0, parameter.size, stretches[-1][1]):
            for start, end, matrix in stretches:
                part = slice(first + start, first + end)
                p, g, s, own = parameter[part], gradient[part], step[part], moments[:, part]
                if matrix is None:
                    calls += adam.calls(p, g, s, own, adam_rate, steps, shapes)
                else:
                    calls += [
                        *look_ahead(g, s, own[0], self.momentum),
                        *_orthogonalize(s.reshape(matrix)),
                        *sgd.calls(p, s, s, own, rate, steps, shapes),
                    ]
        decay = weight_mask(shapes) * self.weight_decay
        for start, end, matrix in stretches:
            if matrix is None:
                decay[start:end] *= self.adam_fraction
        return decayed(decay, parameter, step, rate, calls)


def _hidden_and_other(shapes: Mapping[str, Shape]) -> list[tuple[int, int, Shape | None]]:
    """Where each hidden matrix lies and its shape, and where the others do, None: joined."""
    matrices = [name.partition(".")[0] for name, shape in shapes.items() if len(shape) > 1]
    stretches: list[tuple[int, int, Shape | None]] = []
    end = 0
    for name, shape in shapes.items():
        start, end = end, end + math.prod(shape)
        is_outside = name.partition(".")[0] in matrices[:1] + matrices[-1:]
        # Vectors that stand for places are looked up, not multiplied with.
        if len(shape) > 1 and not is_outside and not name.endswith(".position"):
            stretches.append((start, end, (math.prod(shape[:-1]), shape[-1])))
        elif stretches and stretches[-1][2] is None:
            stretches[-1] = (stretches[-1][0], end, None)
        else:
            stretches.append((start, end, None))
    return stretches


def _orthogonalize(matrix: Array) -> list[Call]:
    """Set the singular values of a matrix `(fan_in, units)` to about √max(1, units / fan_in)."""
    fan_in, units = matrix.shape
    source = matrix if fan_in <= units else matrix.T
    low, high = source.shape
    x, moved = np.empty((2, low, high), matrix.dtype)
    gram, polynomial = np.empty((2, low, low), matrix.dtype)
    a, b, c, scale = (
        np.array(value, matrix.dtype)
        for value in (*NEWTON_SCHULZ, math.sqrt(max(1.0, units / fan_in)))
    )
    one_round: list[Call] = [
        # x ← a·x + (b·G + c·G²)·x  with  G = x·xᵀ
        (np.matmul, (x, x.T, gram)),
        (np.matmul, (gram, gram, polynomial)),
        (np.multiply, (polynomial, c, polynomial)),
        (np.multiply, (gram, b, gram)),
        (np.add, (polynomial, gram, polynomial)),
        (np.matmul, (polynomial, x, moved)),
        (np.multiply, (x, a, x)),
        (np.add, (x, moved, x)),
    ]
    return [
        (_normalize, (source, x)),
        *one_round * NEWTON_SCHULZ_ROUNDS,
        (np.multiply, (x, scale, source)),
    ]


def _normalize(matrix: Array, out: Array) -> None:
    # With this norm no singular value is above 1; the 1e-7 is that of the authors' code.
    np.divide(matrix, np.linalg.norm(matrix) + 1e-7, out=out)
