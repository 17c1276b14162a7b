"""Whether a linear model can tell two classes apart without an error, with a proof of the answer.

Two finite sets of points are separated by a hyperplane exactly if their convex hulls have no point
in common (Boyd and Vandenberghe, Convex Optimization, 2004, section 2.5). A hyperplane proves one
answer; a point that is a weighted mean of either class proves the other: a linear function of a
mean is the mean of its values, which would have to be on both sides.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..symbolic.trace import Array

MAX_SAMPLES = 2_000
MAX_FEATURES = 64
TOLERANCE = 1e-9
"""Largest distance of a common point from either mean, in units of the data's deviations."""


@dataclass(frozen=True)
class Separability:
    """A hyperplane between the two classes, or a point that both have in common.

    `normal` `(features,)` and `offset`: `normal · x + offset` is positive for each sample of the
    second class and negative for each of the first; None for classes that no hyperplane separates.
    `weights` `(n,)`: of each class, at least 0 with the sum 1; the weighted means of both are the
    `point` `(features,)`. None for separable classes.
    """

    normal: Array | None = None
    offset: float = 0.0
    point: Array | None = None
    weights: Array | None = None


def separability(inputs: Array, second: Array) -> Separability | None:
    """Return what proves that a hyperplane separates the classes, or that none does.

    `inputs` is `(n, features)`, `second` `(n,)` is true for samples of the second class. None where
    rounding leaves it open, for a single class, and for more than 2,000 samples or 64 features.
    """
    second = np.asarray(second, bool)
    if len(inputs) > MAX_SAMPLES or inputs.shape[1] > MAX_FEATURES:
        return None
    if second.all() or not second.any() or not np.isfinite(inputs).all():
        return None
    points = np.asarray(inputs, np.float64)
    center, scale = points.mean(0), points.std(0)
    scale[scale == 0.0] = 1.0
    x = (points - center) / scale
    # Weights w >= 0 with the sum 1 in each class and equal means: a system of linear equations.
    signs = np.where(second, -1.0, 1.0)
    system = np.vstack([x.T * signs, ~second, second]).astype(np.float64)
    goal = np.zeros(len(system))
    goal[-2:] = 1.0
    weights = _non_negative_least_squares(system, goal)
    residual = goal - system @ weights
    if np.abs(residual).max() < TOLERANCE:
        first_mean = np.where(second, 0.0, weights) @ points
        second_mean = np.where(second, weights, 0.0) @ points
        return Separability(point=(first_mean + second_mean) / 2.0, weights=weights)
    # By Farkas' lemma the residual is a hyperplane, up to its place between the classes.
    normal = residual[:-2] / scale
    values = points @ normal
    low, high = values[~second].max(), values[second].min()
    if not low < high:
        return None
    return Separability(normal=normal, offset=-float(low + high) / 2.0)


def _non_negative_least_squares(system: Array, goal: Array) -> Array:
    """Return the x >= 0 with the least ‖system · x - goal‖ (Lawson and Hanson, 1974, chapter 23).

    It ends after at most three steps for each column.
    """
    columns = system.shape[1]
    x = np.zeros(columns)
    free = np.zeros(columns, bool)
    for _ in range(3 * columns):
        slope = system.T @ (goal - system @ x)
        slope[free] = 0.0
        best = int(slope.argmax())
        if slope[best] <= TOLERANCE * 1e-3:
            break
        free[best] = True
        while True:
            solution = np.zeros(columns)
            solution[free] = np.linalg.lstsq(system[:, free], goal, rcond=None)[0]
            negative = free & (solution <= 0.0)
            if not negative.any():
                break
            # Go towards the solution until a weight is 0, and keep it there.
            moves = x[negative] / (x[negative] - solution[negative])
            x += moves.min() * (solution - x)
            free &= x > TOLERANCE * 1e-3
            x[~free] = 0.0
        x = solution
    return x
