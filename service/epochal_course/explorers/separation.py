"""Exact linear separability of two sets of points, from the nearest points of their hulls.

The convex hull of a set consists of all convex combinations of its points. If two hulls meet, they
have a point in common, which cannot lie on both sides of a line: a proof that no line separates the
sets. If they do not meet, the line halfway between their nearest points separates them with the
widest margin. The nearest points are found by Wolfe's algorithm ("Finding the nearest point in a
polytope", 1976) on the differences of the points. It is finite, and exact here, because floats are
fractions and all arithmetic is done with fractions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from ..specs.explorers.line import Line

Point = Sequence[float]
Whole = tuple[int, ...]
Coefficients = dict[int, Fraction]
"""By the index of the point."""


@dataclass(frozen=True)
class Nearest:
    """The nearest points of two hulls, as combinations."""

    ones: Coefficients
    zeros: Coefficients
    one_point: tuple[Fraction, ...]
    zero_point: tuple[Fraction, ...]

    @property
    def meet(self) -> bool:
        """Whether the two are the same point, so that no line separates the sets."""
        return self.one_point == self.zero_point


def nearest(points: Sequence[Point], targets: Sequence[int]) -> Nearest:
    """Return the nearest points of the hulls of the points with target 1 and with target 0.

    Each target must occur.
    """
    exact = [[Fraction(x) for x in point] for point in points]
    scale = math.lcm(*(x.denominator for point in exact for x in point))
    whole = [tuple(int(x * scale) for x in point) for point in exact]
    ones = [i for i, target in enumerate(targets) if target]
    zeros = [j for j, target in enumerate(targets) if not target]

    # Coefficients of differences; their combination is the difference between two combinations.
    coefficients = {(ones[0], zeros[0]): Fraction(1)}
    while True:
        differences = [_minus(whole[i], whole[j]) for i, j in coefficients]
        x = _whole_combination(list(coefficients.values()), differences)
        # The difference that lies furthest in the opposite direction.
        i = min(ones, key=lambda i: _dot(x, whole[i]))
        j = max(zeros, key=lambda j: _dot(x, whole[j]))
        furthest = _dot(x, _minus(whole[i], whole[j]))
        if furthest >= min(_dot(x, difference) for difference in differences):
            break
        coefficients[i, j] = Fraction(0)
        differences.append(_minus(whole[i], whole[j]))
        coefficients = _improved(coefficients, differences)

    of_ones: Coefficients = {}
    of_zeros: Coefficients = {}
    for (i, j), coefficient in sorted(coefficients.items()):
        of_ones[i] = of_ones.get(i, Fraction(0)) + coefficient
        of_zeros[j] = of_zeros.get(j, Fraction(0)) + coefficient
    of_zeros = dict(sorted(of_zeros.items()))
    return Nearest(of_ones, of_zeros, _combination(of_ones, exact), _combination(of_zeros, exact))


def _improved(
    coefficients: dict[tuple[int, int], Fraction], differences: list[Whole]
) -> dict[tuple[int, int], Fraction]:
    """The coefficients of the shortest combination of some differences, shorter than before."""
    pairs, current = list(coefficients), list(coefficients.values())
    while True:
        best = _shortest(differences)
        if all(coefficient > 0 for coefficient in best):
            return dict(zip(pairs, best, strict=True))
        # As far towards the best as all stay positive; one that becomes 0 is removed.
        rows = list(zip(current, best, strict=True))
        way = min(coefficient / (coefficient - aim) for coefficient, aim in rows if aim <= 0)
        current = [coefficient + way * (aim - coefficient) for coefficient, aim in rows]
        positive = [k for k, coefficient in enumerate(current) if coefficient > 0]
        pairs = [pairs[k] for k in positive]
        current = [current[k] for k in positive]
        differences = [differences[k] for k in positive]


def _shortest(differences: list[Whole]) -> list[Fraction]:
    """Coefficients of sum 1 and any sign that make the shortest combination.

    Its products with all differences are equal: it is the solution of G·u = 1, divided by its sum,
    where G[i, j] is the product of differences i and j. The solution is found by Gaussian
    elimination in whole numbers (Bareiss, 1968). Adding 1 to all products keeps the direction of
    the solution and makes G regular.
    """
    n = len(differences)
    rows = [[_dot(a, b) + 1 for b in differences] + [1] for a in differences]
    before = 1
    for k in range(n):
        pivot = next(r for r in range(k, n) if rows[r][k])
        rows[k], rows[pivot] = rows[pivot], rows[k]
        for r in range(k + 1, n):
            rows[r] = [
                (rows[k][k] * a - rows[r][k] * b) // before
                for a, b in zip(rows[r], rows[k], strict=True)
            ]
        before = rows[k][k]
    solution = [Fraction(0)] * n
    for k in reversed(range(n)):
        rest = sum((rows[k][c] * solution[c] for c in range(k + 1, n)), Fraction(0))
        solution[k] = (rows[k][n] - rest) / rows[k][k]
    total = sum(solution)
    return [coefficient / total for coefficient in solution]


def _whole_combination(coefficients: list[Fraction], vectors: list[Whole]) -> Whole:
    """The combination times a positive number that makes it integer."""
    common = math.lcm(*(coefficient.denominator for coefficient in coefficients))
    factors = [common // c.denominator * c.numerator for c in coefficients]
    return tuple(_dot(factors, axis) for axis in zip(*vectors, strict=True))


def _combination(coefficients: Coefficients, points: list[list[Fraction]]) -> tuple[Fraction, ...]:
    parts = [[coefficient * x for x in points[i]] for i, coefficient in coefficients.items()]
    return tuple(sum(axis, Fraction(0)) for axis in zip(*parts, strict=True))


def _dot(a: Sequence[int], b: Sequence[int]) -> int:
    return sum(x * y for x, y in zip(a, b, strict=True))


def _minus(a: Whole, b: Whole) -> Whole:
    return tuple(x - y for x, y in zip(a, b, strict=True))


def line_of(
    weights: Sequence[float], bias: float, points: Sequence[Point], *, of: str = "x"
) -> Line | None:
    """Return the line where the weighted sum of two inputs is 0, cut to a box around the points.

    None unless there are two weights, not both 0. `of` is the symbol of the inputs.
    """
    if len(weights) != 2 or not any(weights):
        return None
    first, second = (f"{weight:.4g}·{of}{i}" for i, weight in enumerate(weights, 1))
    equation = f"{first} + {second} + {bias:.4g} = 0".replace("+ -", "- ")
    # Scaled to length 1, in two steps so that no number overflows.
    size = max(abs(weight) for weight in weights)
    a, b = (weight / size for weight in weights)
    length = math.hypot(a, b)
    a, b, c = a / length, b / length, bias / size / length
    outside = Line(equation=equation, start=[], end=[])
    if not math.isfinite(c):
        return outside
    low, high = [], []
    for axis in zip(*points, strict=True):
        around = (max(axis) - min(axis)) / 2.0 or 1.0
        low.append(min(axis) - around)
        high.append(max(axis) + around)
    # From the point of the line that is nearest to the center of the box, along the line.
    middle = [(least + most) / 2.0 for least, most in zip(low, high, strict=True)]
    away = a * middle[0] + b * middle[1] + c
    foot = (middle[0] - away * a, middle[1] - away * b)
    along = (-b, a)
    start, end = -math.inf, math.inf
    for position, direction, least, most in zip(foot, along, low, high, strict=True):
        if direction == 0.0:
            if not least <= position <= most:
                return outside
            continue
        ways = sorted(((least - position) / direction, (most - position) / direction))
        start, end = max(start, ways[0]), min(end, ways[1])
    if start > end:
        return outside
    return Line(
        equation=equation,
        start=[p + start * d for p, d in zip(foot, along, strict=True)],
        end=[p + end * d for p, d in zip(foot, along, strict=True)],
    )
