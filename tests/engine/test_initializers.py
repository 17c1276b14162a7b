"""Initializers draw weights of the spread that their formula states."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest

from epochal_engine import ACTIVATIONS, INITIALIZERS, Conv1d, Conv2d, Dense, Layer, Network
from epochal_engine.symbolic.trace import Array

FAN_IN, UNITS = 300, 200
VARIANCES = {
    "zeros": 0.0,
    "constant": 0.0,
    "uniform": 0.05**2 / 3,
    "normal": 0.05**2,
    "lecun_uniform": 1 / FAN_IN,
    "lecun_normal": 1 / FAN_IN,
    "xavier_uniform": 2 / (FAN_IN + UNITS),
    "xavier_normal": 2 / (FAN_IN + UNITS),
    "he_uniform": 2 / FAN_IN,
    "he_normal": 2 / FAN_IN,
    "orthogonal": 1 / FAN_IN,
}


def test_every_initializer_is_examined() -> None:
    assert set(VARIANCES) == set(INITIALIZERS)


@pytest.mark.parametrize("name", sorted(set(VARIANCES) - {"constant"}))
def test_mean_zero_and_the_variance_of_the_formula(name: str) -> None:
    weights = INITIALIZERS[name]((FAN_IN, UNITS), rng=np.random.default_rng(0))
    assert weights.shape == (FAN_IN, UNITS)
    # The variance of 60,000 samples lies within 2 % of the true one, four deviations and more.
    assert weights.var() == pytest.approx(VARIANCES[name], rel=0.025)
    assert abs(weights.mean()) <= 4.0 * math.sqrt(VARIANCES[name] / weights.size)
    if name.endswith("uniform"):
        reach = math.sqrt(3.0 * VARIANCES[name])
        assert 0.999 * reach < np.abs(weights).max() <= reach


@pytest.mark.parametrize("name", sorted(set(INITIALIZERS) - {"zeros", "constant"}))
def test_the_same_seed_gives_the_same_weights_and_another_one_others(name: str) -> None:
    draws = [INITIALIZERS[name]((3, 2), rng=np.random.default_rng(seed)) for seed in (1, 1, 2)]
    assert (draws[0] == draws[1]).all()
    assert (draws[0] != draws[2]).all()


def test_the_default_initializer_of_each_activation() -> None:
    defaults = {name: a.default_initializer for name, a in ACTIVATIONS.items()}
    assert defaults["relu"] == defaults["gelu"] == defaults["silu"] == "he_normal"
    assert defaults["selu"] == "lecun_normal"
    assert defaults["tanh"] == defaults["sigmoid"] == defaults["linear"] == "xavier_uniform"
    assert set(defaults.values()) <= set(INITIALIZERS)


@pytest.mark.parametrize("gain", [-1.0, math.inf, math.nan])
@pytest.mark.parametrize("layer", [partial(Dense, 1), partial(Conv2d, 1, 1), partial(Conv1d, 1, 1)])
def test_a_gain_is_a_finite_number_that_is_not_negative(
    layer: Callable[..., Layer], gain: float
) -> None:
    with pytest.raises(ValueError, match="initializer_gain"):
        layer(initializer_gain=gain)


def test_a_gain_scales_the_initial_weights() -> None:
    def first(gain: float) -> Array:
        network = Network((3,), (Dense(2, initializer_gain=gain),))
        return network.initial_parameters(rng=np.random.default_rng(0))["dense_1.weight"]

    np.testing.assert_array_equal(first(4.0), 4.0 * first(1.0))
    assert (first(0.0) == 0.0).all()


def test_a_constant_is_the_same_everywhere() -> None:
    weights = INITIALIZERS["constant"]((3, 2), rng=np.random.default_rng(0))
    assert weights.tolist() == [[0.05, 0.05]] * 3


@pytest.mark.parametrize("shape", [(5, 5), (7, 3), (3, 7), (2, 2, 3, 4)])
def test_orthogonal_initial_weights_preserve_lengths(shape: tuple[int, ...]) -> None:
    weights = INITIALIZERS["orthogonal"](shape, rng=np.random.default_rng(0))
    assert weights.shape == shape
    sizes = np.linalg.svd(weights.reshape(-1, shape[-1]), compute_uv=False)
    np.testing.assert_allclose(sizes, 1.0)


def test_all_positions_of_a_kernel_count_in_its_fans() -> None:
    kernel = INITIALIZERS["he_normal"]((5, 5, 12, 200), rng=np.random.default_rng(0))
    assert kernel.var() == pytest.approx(2 / (5 * 5 * 12), rel=0.025)
    kernel = INITIALIZERS["xavier_uniform"]((3, 40, 60), rng=np.random.default_rng(0))
    assert np.abs(kernel).max() == pytest.approx(math.sqrt(6 / (3 * 40 + 3 * 60)), rel=1e-3)
