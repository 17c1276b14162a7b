"""Gradient-boosted trees, which often fit tables better than a network does.

    inputs ──> bins ──> each round: gradients ──> histograms ──> a tree per output ──> logits

Each tree is a Newton step of the loss: its splits and leaves minimize the second-order expansion
(Chen and Guestrin 2016, "XGBoost"), and splits are searched among the borders of bins (Ke et al.
2017, "LightGBM"). Each round draws other rows and columns (Friedman 2002, "Stochastic gradient
boosting"), few enough to bound the time.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..model.losses import Floats

Ints = NDArray[np.int64]

BINS, DEPTH = 32, 4
LEAST_ROUNDS, MOST_ROUNDS = 10, 100
RATE = 0.1
RIDGE = MIN_HESSIAN = 1.0
"""The ridge of a leaf, and the least Hessian on either side of a split; both as in XGBoost."""
MAX_COLUMNS = 64
MIN_ROWS = 500
"""Rows of a round, at least."""
MAX_WORK = 30_000_000
"""Entries of all histograms, counted for each row and each bin: about 0.3 seconds."""


def boosted_logits(
    activation: str | None,
    inputs: Floats,
    targets: Floats,
    weights: Floats,
    others: Floats,
    start: Floats,
) -> Floats | None:
    """Return the logits for the rows of `inputs`, which are fitted, and below them for `others`.

    `activation` belongs to the loss: None for squared errors, `sigmoid` or `softmax` for
    cross-entropies. `targets` `(n, outputs)` are numbers or probabilities, `weights` `(n, 1)` has
    one weight per row, and `start` `(outputs,)` the logits of the best constant. None if it takes
    too long.
    """
    n, outputs = targets.shape
    columns = min(inputs.shape[1], MAX_COLUMNS)
    # Each row is an entry on each level; all levels have twice the bins of the last one. To find
    # the leaf of a row that is not drawn takes about as long as two entries on each level.
    routes = 2 * outputs * DEPTH * (n + len(others))
    per_round = MAX_WORK // MOST_ROUNDS - routes
    rows = (per_round // (outputs * columns) - (BINS << DEPTH)) // DEPTH
    rows = min(n, max(MIN_ROWS, rows))
    work = outputs * columns * (rows * DEPTH + (BINS << DEPTH)) + routes
    rounds = min(MOST_ROUNDS, MAX_WORK // work)
    if rounds < LEAST_ROUNDS:
        return None
    rate = RATE * (MOST_ROUNDS / rounds) ** 0.5
    bins = _bins(inputs, np.vstack([inputs, others]))
    rng = np.random.default_rng(0)
    logits = np.repeat(start[None], len(bins), axis=0)
    for _ in range(rounds):
        chosen = np.sort(rng.permutation(n)[:rows])
        outcome = _activated(activation, logits[chosen])
        gradients = (outcome - targets[chosen]) * weights[chosen]
        hessians = outcome * (1.0 - outcome) if activation else np.ones_like(outcome)
        some = rng.permutation(bins.shape[1])[:columns]
        logits += rate * _trees(bins, chosen, some, gradients, hessians * weights[chosen])
    return logits


def _bins(fitted: Floats, inputs: Floats) -> NDArray[np.uint8]:
    """Return the bin of each input, `(n, features)`. Each bin has about the same number of fitted
    inputs."""
    bins = np.empty(inputs.shape, np.uint8)
    for feature, column in enumerate(fitted.T):
        values = np.unique(column)
        if len(values) > BINS:
            values = np.unique(np.quantile(column, np.linspace(0.0, 1.0, BINS + 1), method="lower"))
        borders = 0.5 * (values[1:] + values[:-1])
        bins[:, feature] = np.searchsorted(borders[: BINS - 1], inputs[:, feature])
    return bins


def _activated(activation: str | None, logits: Floats) -> Floats:
    if activation is None:
        return logits
    if activation == "sigmoid":
        return np.asarray(0.5 * (1.0 + np.tanh(0.5 * logits)))
    exponentials = np.exp(logits - logits.max(1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(1, keepdims=True))


def _trees(
    bins: NDArray[np.uint8], rows: Ints, columns: Ints, gradients: Floats, hessians: Floats
) -> Floats:
    """Fit a tree for each output to some rows and columns; return its leaves for all rows.

    `gradients` and `hessians` `(rows, outputs)` are derivatives of the loss by the logits; the
    result is `(n, outputs)`. All trees grow together, level by level: node `k` of a level has the
    children `2 k` and `2 k + 1`.
    """
    outputs = gradients.shape[1]
    size = len(columns) * BINS
    cells = bins[np.ix_(rows, columns)] + BINS * np.arange(len(columns))
    node = np.repeat(np.arange(outputs)[None], len(bins), axis=0)
    for level in range(DEPTH):
        nodes = outputs << level
        index = (size * node[rows][:, :, None] + cells[:, None]).ravel()
        left_gradients, left_hessians = (
            np.bincount(index, np.repeat(values, len(columns)), nodes * size)
            .reshape(nodes, len(columns), BINS)
            .cumsum(-1)
            for values in (gradients, hessians)
        )
        all_gradients, all_hessians = left_gradients[:, :1, -1:], left_hessians[:, :1, -1:]
        right_hessians = all_hessians - left_hessians
        gains = (
            _gain(left_gradients, left_hessians)
            + _gain(all_gradients - left_gradients, right_hessians)
            - _gain(all_gradients, all_hessians)
        )
        gains[np.minimum(left_hessians, right_hessians) < MIN_HESSIAN] = 0.0
        gains = gains.reshape(nodes, size)
        best = gains.argmax(1)
        feature, border = np.divmod(best, BINS)
        border[gains[np.arange(nodes), best] <= 1e-12] = BINS  # Nothing is gained: all go left.
        goes_right = bins[np.arange(len(bins))[:, None], columns[feature][node]] > border[node]
        node = 2 * node + goes_right
    sums = (
        np.bincount(node[rows].ravel(), values.ravel(), outputs << DEPTH)
        for values in (gradients, hessians)
    )
    gradient, hessian = sums
    return np.asarray((-gradient / (hessian + RIDGE))[node])


def _gain(gradients: Floats, hessians: Floats) -> Floats:
    """Return by how much (twice) the best leaf lowers the expanded loss."""
    return np.asarray(gradients * gradients / (hessians + RIDGE))
