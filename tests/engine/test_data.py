"""Data are split at random, completely, and only once."""

from __future__ import annotations

import numpy as np
import pytest

from epochal_engine import Data, split

INPUTS = np.arange(20.0).reshape(10, 2)
TARGETS = np.arange(10.0).reshape(10, 1)


def test_every_sample_lands_on_exactly_one_side_with_its_target() -> None:
    data = split(INPUTS, TARGETS, 0.3, rng=np.random.default_rng(0))
    assert data.validation_inputs is not None
    assert data.validation_targets is not None
    assert (len(data.train_inputs), len(data.validation_inputs)) == (7, 3)
    inputs = np.concatenate([data.train_inputs, data.validation_inputs])
    targets = np.concatenate([data.train_targets, data.validation_targets])
    assert sorted(targets.ravel().tolist()) == TARGETS.ravel().tolist()
    assert (inputs[:, 0] == 2.0 * targets[:, 0]).all()


def test_the_generator_decides_which() -> None:
    sides = [
        split(INPUTS, TARGETS, 0.5, rng=np.random.default_rng(seed)).train_targets.tolist()
        for seed in (1, 1, 2)
    ]
    assert sides[0] == sides[1] != sides[2]


@pytest.mark.parametrize(("fraction", "aside"), [(0.01, 1), (0.99, 9), (0.25, 2)])
def test_each_side_keeps_a_sample(fraction: float, aside: int) -> None:
    data = split(INPUTS, TARGETS, fraction, rng=np.random.default_rng(0))
    assert data.validation_inputs is not None
    assert len(data.validation_inputs) == aside


def test_nothing_is_set_aside_for_the_fraction_zero() -> None:
    data = split(INPUTS, TARGETS, 0.0, rng=np.random.default_rng(0))
    assert data.train_inputs is INPUTS
    assert data.validation_inputs is None


@pytest.mark.parametrize("fraction", [-0.1, 1.0, float("nan")])
def test_a_fraction_that_is_none_is_refused(fraction: float) -> None:
    with pytest.raises(ValueError, match="fraction"):
        split(INPUTS, TARGETS, fraction, rng=np.random.default_rng(0))


def test_one_sample_cannot_be_divided_and_validation_needs_targets() -> None:
    with pytest.raises(ValueError, match="two samples"):
        split(INPUTS[:1], TARGETS[:1], 0.5, rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match="both inputs and targets"):
        Data(INPUTS, TARGETS, INPUTS)
