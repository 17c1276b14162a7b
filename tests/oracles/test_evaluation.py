"""Metrics equal scikit-learn's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from epochal_engine import class_metrics, error_metrics

sklearn: Any = pytest.importorskip("sklearn.metrics")

RNG = np.random.default_rng(2)


def test_class_metrics() -> None:
    true = RNG.integers(0, 4, 500)
    scores = np.round(RNG.normal(size=(500, 4)) + 1.5 * np.eye(4)[true], 1)  # with ties
    predicted = scores.argmax(1)
    expected = sklearn.precision_recall_fscore_support(true, predicted)
    for label in range(4):
        metrics = class_metrics(predicted == label, true == label, scores[:, label])
        row = (metrics.precision, metrics.recall, metrics.f1, metrics.support)
        assert row == pytest.approx([column[label] for column in expected], rel=1e-12)
        area = sklearn.roc_auc_score(true == label, scores[:, label])
        assert metrics.roc_auc == pytest.approx(area, rel=1e-12)


def test_error_metrics() -> None:
    targets = RNG.normal(1e5, 2e4, (300, 2))
    predictions = targets + RNG.standard_t(3, (300, 2)) * 1e4
    metrics = error_metrics(predictions, targets)
    assert metrics.rmse == pytest.approx(
        sklearn.mean_squared_error(targets, predictions) ** 0.5, rel=1e-12
    )
    assert metrics.mae == pytest.approx(sklearn.mean_absolute_error(targets, predictions))
    assert metrics.r2 == pytest.approx(sklearn.r2_score(targets, predictions), rel=1e-12)
    first = error_metrics(predictions[:, :1], targets[:, :1])
    median = sklearn.median_absolute_error(targets[:, :1], predictions[:, :1])
    assert first.median_absolute_error == pytest.approx(median, rel=1e-12)
