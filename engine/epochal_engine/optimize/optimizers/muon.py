"""Muon: steps for hidden weight matrices with all singular values near 1."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np

from ...model.components import Internal
from ...symbolic.trace import Array, Call, Shape
from .adaptive import Adam
from .descent import Sgd, look_ahead
from .optimizer import Decay, Epsilon, LearningRate, Optimizer, Strength
from .vectors import decayed, weight_mask

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
"""Coefficients of the polynomial a·x + b·x³ + c·x⁵ that drives singular values toward 1, from
Jordan et al., steepest at 0. Five rounds leave them between about 0.7 and 1.2."""
NEWTON_SCHULZ_ROUNDS = 5


@dataclass(frozen=True)
class Muon(Optimizer):
    """Muon: orthogonalized Nesterov momentum for hidden weight matrices, AdamW for the rest (Jordan
    2024).

    A gradient has few large singular values. Orthogonalized, its step has equal ones: if UΣVᵀ is
    the momentum, the step is about UVᵀ times √max(1, units / fan_in). The hidden matrices are the
    weights, and the kernels as matrices `(fan_in, units)`, of all layers that have any and are not
    frozen, except the first and the last of these.

    Source, also of the defaults: Jordan et al., "Muon: An optimizer for hidden layers in neural
    networks" (2024), and its code.
    """

    type: ClassVar[str] = "muon"
    formula: ClassVar[str] = "M ← μ·M + G, W ← W - η·(μ·M + G, orthogonalized)"
    step: ClassVar[str] = """
        def orthogonalized(matrix):
            fan_in, units = matrix.shape
            x = matrix if fan_in <= units else matrix.T
            x = x / (np.linalg.norm(x) + 1e-7)
            for _ in range(5):  # Newton-Schulz iteration: all singular values come near 1
                square = x @ x.T
                x = 3.4445 * x + (-4.7750 * square + 2.0315 * square @ square) @ x
            return (x if fan_in <= units else x.T) * math.sqrt(max(1.0, units / fan_in))

        v, _ = moments
        factor = rate if is_hidden else rate * adam_fraction
        if w.ndim > 1:  # not of biases and norms
            w -= factor * weight_decay * w
        if is_hidden:
            v *= momentum
            v += g
            matrix = (momentum * v + g).reshape(-1, g.shape[-1])
            w -= rate * orthogonalized(matrix).reshape(g.shape)
        else:
            adam_step(w, g, moments, factor, t, beta_1, beta_2, epsilon)
    """
    usual_rate: ClassVar[float] = 0.02
    moments: ClassVar[int] = 2
    learning_rate: LearningRate = 0.02
    """Step size. Greater than 0, up to 1e12. Default 0.02."""
    momentum: Decay = 0.95
    """Fraction of the previous velocity carried over to the next. In [0, 1). Default 0.95."""
    weight_decay: Strength = 0.0
    """Fraction of the weights subtracted in each step, times the learning rate. Default 0."""
    adam_fraction: Strength = 0.015
    """Learning rate of AdamW as a fraction of the rate of the hidden matrices. Default 0.015."""
    # The authors' 3e-4 over 0.02.
    beta_1: Annotated[Decay, Internal()] = 0.9
    beta_2: Annotated[Decay, Internal()] = 0.95
    epsilon: Annotated[Epsilon, Internal()] = 1e-10

    @classmethod
    def step_source(cls, *facts: str) -> str:
        """As `Optimizer.step_source`; `is_hidden` says whether the parameter is a hidden matrix."""
        return super().step_source("is_hidden", *facts)

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
        sgd = Sgd(self.learning_rate)
        adam_rate, fraction = np.zeros((), rate.dtype), np.array(self.adam_fraction, rate.dtype)
        segments = _hidden_and_other(shapes)
        calls: list[Call] = [(np.multiply, (rate, fraction, adam_rate))]
        for first in range(0, parameter.size, segments[-1][1]):
            for start, end, matrix in segments:
                part = slice(first + start, first + end)
                p, g, s, m = parameter[part], gradient[part], step[part], moments[:, part]
                if matrix is None:
                    calls += adam.calls(p, g, s, m, adam_rate, steps, shapes)
                else:
                    calls += [
                        *look_ahead(g, s, m[0], self.momentum),
                        *_orthogonalize(s.reshape(matrix)),
                        *sgd.calls(p, s, s, m, rate, steps, shapes),
                    ]
        decay = weight_mask(shapes) * self.weight_decay
        for start, end, matrix in segments:
            if matrix is None:
                decay[start:end] *= self.adam_fraction
        return decayed(decay, parameter, step, rate, [calls], parameter.size)

    def in_formula(self, moments: Array, shapes: Mapping[str, Shape]) -> Array:
        """As `Optimizer.in_formula`."""
        adam, result = Adam(beta_1=self.beta_1, beta_2=self.beta_2), moments.copy()
        for start, end, matrix in _hidden_and_other(shapes):
            if matrix is None:
                result[:, start:end] = adam.in_formula(moments[:, start:end], shapes)
        return result


def hidden_matrices(shapes: Mapping[str, Shape]) -> frozenset[str]:
    """Return the names of the hidden matrices among parameters of these shapes."""
    matrices = [name for name, shape in shapes.items() if len(shape) > 1]
    layers = [name.partition(".")[0] for name in matrices]
    outside = layers[:1] + layers[-1:]
    # Positional encodings are added, not multiplied with.
    return frozenset(
        name
        for name, layer in zip(matrices, layers, strict=True)
        if layer not in outside and not name.endswith(".position")
    )


def _hidden_and_other(shapes: Mapping[str, Shape]) -> list[tuple[int, int, Shape | None]]:
    """Return start, end and shape of each hidden matrix; of merged others, with None for shape."""
    hidden = hidden_matrices(shapes)
    segments: list[tuple[int, int, Shape | None]] = []
    end = 0
    for name, shape in shapes.items():
        start, end = end, end + math.prod(shape)
        if name in hidden:
            segments.append((start, end, (math.prod(shape[:-1]), shape[-1])))
        elif segments and segments[-1][2] is None:
            segments[-1] = (segments[-1][0], end, None)
        else:
            segments.append((start, end, None))
    return segments


def _orthogonalize(matrix: Array) -> list[Call]:
    """Return calls that set all singular values to about √max(1, units / fan_in)."""
    fan_in, units = matrix.shape
    source = matrix if fan_in <= units else matrix.T
    low, high = source.shape
    x, product = np.empty((2, low, high), matrix.dtype)
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
        (np.matmul, (polynomial, x, product)),
        (np.multiply, (x, a, x)),
        (np.add, (x, product, x)),
    ]
    return [
        (_normalize, (source, x)),
        *one_round * NEWTON_SCHULZ_ROUNDS,
        (np.multiply, (x, scale, source)),
    ]


def _normalize(matrix: Array, out: Array) -> None:
    # With this norm no singular value is above 1; the 1e-7 comes from the authors' code.
    np.divide(matrix, np.linalg.norm(matrix) + 1e-7, out=out)
