"""Sampling a token from probabilities: temperature, then top-k, then top-p, then one random number.

Sources: temperature, Ackley et al. (1985); top-k, Fan et al. (2018); top-p, Holtzman et al. (2020).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..symbolic.trace import Array

Floats = NDArray[np.float64]


def sampling_probabilities(
    probabilities: Array,
    *,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
) -> Floats:
    """Return the probabilities `(n,)` that a token is sampled with; their sum is 1.

    They are proportional to p^(1/temperature), which sharpens them below 1 and flattens them above;
    0 leaves the most probable token only, the first one of several. `top_k` leaves the k most
    probable, and `top_p` then the fewest of these that have this probability together.
    """
    values = np.asarray(probabilities, np.float64)
    ranked = np.argsort(-values, kind="stable")
    count = 1 if temperature == 0 else top_k or len(values)
    largest = values[ranked[0]]
    with np.errstate(over="ignore", divide="ignore", under="ignore"):
        exponent = 1.0 if temperature == 0 else np.float64(1.0) / temperature
        weights: Floats = np.power(values / largest, exponent)
    weights[ranked[count:]] = 0.0
    weights /= weights.sum()
    if top_p is not None:
        reached = np.cumsum(weights[ranked])
        weights[ranked[np.searchsorted(reached, min(top_p, reached[-1])) + 1 :]] = 0.0
        weights /= weights.sum()
    return weights


def draw_token(probabilities: Floats, number: float) -> int:
    """Return the token that a random number in [0, 1) selects; never one of probability 0."""
    ends = np.cumsum(probabilities)
    token = int(np.searchsorted(ends, number * ends[-1], side="right"))
    return min(token, int(np.flatnonzero(probabilities)[-1]))
