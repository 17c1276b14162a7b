"""Metrics equal their definitions, counted pair by pair."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from epochal_engine import class_metrics, error_metrics, roc_auc

SAMPLES = st.lists(
    st.tuples(st.booleans(), st.booleans(), st.integers(-3, 3)), min_size=1, max_size=60
)


@given(SAMPLES)
def test_class_metrics_follow_from_counts(samples: list[tuple[bool, bool, int]]) -> None:
    predicted, true, scores = (np.array(column) for column in zip(*samples, strict=True))
    metrics = class_metrics(predicted, true, scores)
    hits = sum(p and t for p, t, _ in samples)
    misses = sum(t and not p for p, t, _ in samples)
    alarms = sum(p and not t for p, t, _ in samples)
    assert metrics.support == hits + misses
    assert metrics.precision == (hits / (hits + alarms) if hits + alarms else 0.0)
    assert metrics.recall == (hits / (hits + misses) if hits + misses else 0.0)
    f1 = 2 * hits / (2 * hits + alarms + misses) if hits + alarms + misses else 0.0
    assert metrics.f1 == pytest.approx(f1)
    assert metrics.accuracy == pytest.approx(1 - (alarms + misses) / len(samples))


@given(SAMPLES)
def test_the_area_is_the_fraction_of_pairs_in_order(samples: list[tuple[bool, bool, int]]) -> None:
    _, true, scores = (np.array(column) for column in zip(*samples, strict=True))
    pairs = [
        0.5 * (a == b) + (a > b)
        for _, is_true, a in samples
        for _, other, b in samples
        if is_true and not other
    ]
    area = roc_auc(scores.astype(float), true)
    assert area == (pytest.approx(np.mean(pairs)) if pairs else None)


def test_a_score_that_is_not_a_number_has_no_area() -> None:
    assert roc_auc(np.array([0.5, np.nan]), np.array([True, False])) is None


def test_errors_are_in_the_unit_of_the_targets() -> None:
    targets = np.array([[1.0], [2.0], [3.0], [6.0]])
    metrics = error_metrics(np.array([[2.0], [2.0], [1.0], [6.0]]), targets)
    assert metrics.rmse == pytest.approx(np.sqrt(5 / 4))
    assert (metrics.mae, metrics.median_absolute_error) == (0.75, 0.5)
    assert metrics.r2 == pytest.approx(1 - 5 / 14)
