"""Data are split at random, completely, and only once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from epochal_engine import Data, Rows, split, split_rows
from epochal_engine.symbolic.trace import Array

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


def choose(
    n: int,
    validation: float,
    test: float = 0.0,
    seed: int = 0,
    classes: Array | None = None,
    groups: Array | None = None,
) -> Rows:
    rng = np.random.default_rng(seed)
    return split_rows(n, validation, test, rng=rng, classes=classes, groups=groups)


def assert_partition(rows: Rows, n: int) -> None:
    assert sorted([*rows.train, *rows.validation, *rows.test]) == list(range(n))


@given(
    st.lists(st.integers(0, 5), min_size=2, max_size=200),
    st.floats(0.01, 0.99),
    st.integers(0, 2**32),
)
def test_each_class_has_its_share_to_within_one_sample(
    labels: list[int], fraction: float, seed: int
) -> None:
    classes = np.array(labels)
    rows = choose(len(labels), fraction, seed=seed, classes=classes)
    again = choose(len(labels), fraction, seed=seed, classes=classes)
    assert_partition(rows, len(labels))
    assert rows.validation.tolist() == again.validation.tolist()
    assert min(len(rows.train), len(rows.validation)) > 0
    for label in set(labels):
        count, chosen = labels.count(label), int((classes[rows.validation] == label).sum())
        assert abs(chosen - fraction * count) <= 1.0 + 1e-9
        if count > 1:
            assert 0 < chosen < count


@given(
    st.lists(st.tuples(st.integers(0, 12), st.integers(0, 2)), min_size=3, max_size=120),
    st.floats(0.05, 0.5),
    st.floats(0.0, 0.4),
    st.booleans(),
)
def test_a_group_is_never_separated(
    samples: list[tuple[int, int]], validation: float, test: float, stratify: bool
) -> None:
    groups, classes = map(np.array, zip(*samples, strict=True))
    strata = classes if stratify else None
    parts = 2 + (test > 0)
    if len(set(groups.tolist())) < parts:
        with pytest.raises(ValueError, match="groups; got"):
            choose(len(samples), validation, test, groups=groups, classes=strata)
        return
    rows = choose(len(samples), validation, test, groups=groups, classes=strata)
    assert_partition(rows, len(samples))
    sides = [
        set(groups[part].tolist()) for part in (rows.train, rows.validation, rows.test) if len(part)
    ]
    assert len(sides) == parts
    assert sum(map(len, sides)) == len(set(groups.tolist()))


def test_groups_of_one_class_are_stratified() -> None:
    groups = np.repeat(np.arange(40), 5)
    classes = (groups < 8).astype(int)  # 8 of 40 groups
    rows = choose(200, 0.25, classes=classes, groups=groups)
    assert (len(rows.validation), int(classes[rows.validation].sum())) == (50, 10)


@given(st.integers(3, 50), st.floats(0.01, 0.49), st.floats(0.01, 0.49))
def test_a_test_part_has_its_fraction_of_all_samples(
    n: int, validation: float, test: float
) -> None:
    rows = choose(n, validation, test)
    assert_partition(rows, n)
    assert abs(len(rows.test) - max(1, test * n)) <= 1.0
    assert abs(len(rows.validation) - max(1, validation * n)) <= 1.0
    assert len(rows.train) > 0


def test_without_classes_the_first_of_a_permutation_are_for_validation() -> None:
    order = np.random.default_rng(3).permutation(10)
    rows = choose(10, 0.3, seed=3)
    assert rows.validation.tolist() == order[:3].tolist()
    assert rows.train.tolist() == order[3:].tolist()


def test_fractions_that_leave_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="less than 1"):
        choose(10, 0.5, 0.5)
    with pytest.raises(ValueError, match="three samples"):
        choose(2, 0.3, 0.3)
