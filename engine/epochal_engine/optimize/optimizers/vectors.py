"""Operations on flat vectors that several optimizers share."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from ...symbolic.trace import Array, Call, Shape

STEPS_BETWEEN_CLEARINGS = 64
BLOCK = 65_536
"""Elements that are processed at a time, so that large vectors pass through the cache only once."""


def blocks(
    parameter: Array, gradient: Array, step: Array, moments: Array
) -> Iterator[tuple[Array, Array, Array, Array]]:
    """Yield the vectors in blocks."""
    for start in range(0, parameter.size, BLOCK):
        part = slice(start, start + BLOCK)
        yield parameter[part], gradient[part], step[part], moments[:, part]


def without_denormals(moments: Array, steps: int) -> list[Call]:
    """Return the calls that set denormal moments to 0 at every 64th step; `steps` were taken.

    The moment of a parameter with a gradient that stays 0, as in a dead unit, decays to the
    smallest numbers there are, and is rounded to the same one from then on: it never becomes 0.
    Processors take about 100 times as long for each operation on such a number.
    """
    # One call for all moments of a run; moments of some members of a sweep are not side by side.
    vectors = moments.reshape(1, -1) if moments.size and moments.flags.c_contiguous else moments
    return [(clear_denormals, (np.array(steps, np.int64), vector)) for vector in vectors]


def clear_denormals(clock: Array, moment: Array) -> None:
    """Count a step; at every 64th, set what is below the smallest normal number to 0."""
    clock += 1
    if clock % STEPS_BETWEEN_CLEARINGS == 0:
        moment[np.abs(moment) < np.finfo(moment.dtype).smallest_normal] = 0


def in_units(numerator: Array, squares: Array, epsilon: Array, out: Array) -> list[Call]:
    """Return the calls of out = numerator / (√squares + ε)."""
    return [
        (np.sqrt, (squares, out)),
        (np.add, (out, epsilon, out)),
        (np.divide, (numerator, out, out)),
    ]


def weight_mask(shapes: Mapping[str, Shape]) -> Array:
    """Return 1 for every element of a weight, which has two or more axes, and 0 for the others."""
    return np.concatenate(
        [np.full(math.prod(shape), float(len(shape) > 1)) for shape in shapes.values()]
    )


def decayed(
    decay: Array,
    parameter: Array,
    step: Array,
    rate: Array,
    parts: Sequence[list[Call]],
    block: int = BLOCK,
) -> list[Call]:
    """Return for each block the calls of p ← p - rate · decay · p, then the calls in `parts`.

    `step` includes both.
    """
    if not decay.any():
        return [call for part in parts for call in part]
    factors = np.resize(decay, parameter.size).astype(parameter.dtype)
    decrease = np.empty_like(parameter[:block])
    calls: list[Call] = []
    for start, part in zip(range(0, parameter.size, block), parts, strict=True):
        p, s, f = (x[start : start + block] for x in (parameter, step, factors))
        d = decrease[: p.size]
        calls += [
            (np.multiply, (p, f, d)),
            (np.multiply, (d, rate, d)),
            (np.subtract, (p, d, p)),
            *part,
            (np.add, (s, d, s)),
        ]
    return calls
