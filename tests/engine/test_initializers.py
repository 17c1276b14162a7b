"""Initializers draw weights of the spread that their formula states."""

from __future__ import annotations

import math

import numpy as np
import pytest

from epochal_engine import ACTIVATIONS, INITIALIZERS
from epochal_engine.initializers import usual_initializer

FAN_IN, UNITS = 300, 200
VARIANCES = {
    "zeros": 0.0,
    "uniform": 0.05**2 / 3,
    "normal": 0.05**2,
    "lecun_uniform": 1 / FAN_IN,
    "lecun_normal": 1 / FAN_IN,
    "xavier_uniform": 2 / (FAN_IN + UNITS),
    "xavier_normal": 2 / (FAN_IN + UNITS),
    "he_uniform": 2 / FAN_IN,
    "he_normal": 2 / FAN_IN,
}


@pytest.mark.parametrize("name", sorted(INITIALIZERS))
def test_mean_zero_and_the_variance_of_the_formula(name: str) -> None:
    weights = INITIALIZERS[name]((FAN_IN, UNITS), rng=np.random.default_rng(0))
    assert weights.shape == (FAN_IN, UNITS)
    # The variance of 60,000 samples lies within 2 % of the true one, four deviations and more.
    assert weights.var() == pytest.approx(VARIANCES[name], rel=0.025)
    assert abs(weights.mean()) <= 4.0 * math.sqrt(VARIANCES[name] / weights.size)
    if name.endswith("uniform"):
        reach = math.sqrt(3.0 * VARIANCES[name])
        assert 0.999 * reach < np.abs(weights).max() <= reach


@pytest.mark.parametrize("name", sorted(set(INITIALIZERS) - {"zeros"}))
def test_the_same_seed_gives_the_same_weights_and_another_one_others(name: str) -> None:
    draws = [INITIALIZERS[name]((3, 2), rng=np.random.default_rng(seed)) for seed in (1, 1, 2)]
    assert (draws[0] == draws[1]).all()
    assert (draws[0] != draws[2]).all()


def test_the_usual_initializer_of_each_activation() -> None:
    usual = {name: usual_initializer(name) for name in ACTIVATIONS}
    assert usual["relu"] == usual["gelu"] == usual["silu"] == "he_normal"
    assert usual["selu"] == "lecun_normal"
    assert usual["tanh"] == usual["sigmoid"] == usual["linear"] == "xavier_uniform"
    assert set(usual.values()) <= set(INITIALIZERS)
