"""What several optimizers do to their flat vectors, and what their numbers must be."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import numpy as np

from ..trace import Array, Call, Shape

BLOCK = 65_536
"""Elements that are worked on at a time: large vectors then pass through the cache only once."""


def blocks(
    parameter: Array, gradient: Array, step: Array, moments: Array
) -> Iterator[tuple[Array, Array, Array, Array]]:
    """The vectors cut into blocks."""
    for start in range(0, parameter.size, BLOCK):
        part = slice(start, start + BLOCK)
        yield parameter[part], gradient[part], step[part], moments[:, part]


def in_units(numerator: Array, squares: Array, epsilon: Array, out: Array) -> list[Call]:
    """out = numerator / (√squares + ε)."""
    return [
        (np.sqrt, (squares, out)),
        (np.add, (out, epsilon, out)),
        (np.divide, (numerator, out, out)),
    ]


def weight_mask(shapes: Mapping[str, Shape]) -> Array:
    """1 for every element of a weight, which has two axes or more; 0 for biases and gains."""
    return np.concatenate(
        [np.full(math.prod(shape), float(len(shape) > 1)) for shape in shapes.values()]
    )


def decayed(
    decay: Array, parameter: Array, step: Array, rate: Array, calls: list[Call]
) -> list[Call]:
    """p ← p - rate · decay · p, then the calls; both become part of the step."""
    if not decay.any():
        return calls
    shares = np.resize(decay, parameter.size).astype(parameter.dtype)
    shrinking = np.empty_like(parameter)
    before: list[Call] = []
    after: list[Call] = []
    for start in range(0, parameter.size, BLOCK):
        part = slice(start, start + BLOCK)
        p, s, by = parameter[part], step[part], shrinking[part]
        before += [
            (np.multiply, (p, shares[part], by)),
            (np.multiply, (by, rate, by)),
            (np.subtract, (p, by, p)),
        ]
        after.append((np.add, (s, by, s)))
    return [*before, *calls, *after]


def check(learning_rate: float, **decays: float) -> None:
    """Raise ValueError unless the rate is finite and not negative, and each decay in [0, 1)."""
    if not 0.0 <= learning_rate < math.inf:
        raise ValueError("learning_rate must be a finite number that is not negative")
    for name, decay in decays.items():
        if not 0.0 <= decay < 1.0:
            raise ValueError(f"{name} must be at least 0 and less than 1")


def check_epsilon(epsilon: float) -> None:
    """Raise ValueError unless it is positive."""
    if not epsilon > 0.0:
        raise ValueError("epsilon must be positive")


def check_weight_decay(weight_decay: float) -> None:
    """Raise ValueError unless it is finite and not negative."""
    if not 0.0 <= weight_decay < math.inf:
        raise ValueError("weight_decay must be a finite number that is not negative")
