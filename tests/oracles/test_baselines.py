"""The linear baseline has the loss of scikit-learn's linear models."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from epochal_engine import Data, Dense, Losses, Network, baselines, find_loss
from epochal_engine.symbolic.trace import Array

models: Any = pytest.importorskip("sklearn.linear_model")
machines: Any = pytest.importorskip("sklearn.svm")

RNG = np.random.default_rng(5)
INPUTS = RNG.normal([3.0, -40.0, 0.0, 0.001], [1.0, 9.0, 2.0, 1e-4], (300, 4))
WAVES = np.sin(INPUTS[:, 2:3]) + 0.1 * INPUTS[:, 1:2] + RNG.standard_t(3, (300, 1))
CLASSES = (INPUTS[:, 0] + RNG.normal(size=300) > 3).astype(int) + (INPUTS[:, 1] > -36)
SCALED = (INPUTS - INPUTS[:200].mean(0)) / INPUTS[:200].std(0)


def linear(loss: str, end: str, outputs: int, targets: Array) -> Losses:
    network = Network((4,), (Dense(outputs, end),))
    data = Data(INPUTS[:200], targets[:200], INPUTS[200:], targets[200:])
    losses = baselines(network, loss, data).linear
    assert losses is not None
    return losses


def check(actual: Losses, loss: str, predictions: Array, targets: Array, tolerance: float) -> None:
    computed = find_loss(loss)
    assert actual.train == pytest.approx(
        computed.value(predictions[:200], targets[:200]), rel=tolerance
    )
    assert actual.validation == pytest.approx(
        computed.value(predictions[200:], targets[200:]), rel=tolerance
    )


def test_least_squares() -> None:
    model = models.LinearRegression().fit(SCALED[:200], WAVES[:200])
    check(linear("mse", "linear", 1, WAVES), "mse", model.predict(SCALED), WAVES, 1e-5)


def test_least_absolute_errors() -> None:
    model = models.QuantileRegressor(alpha=0.0).fit(SCALED[:200], WAVES[:200, 0])
    check(linear("mae", "linear", 1, WAVES), "mae", model.predict(SCALED)[:, None], WAVES, 0.02)


def test_logistic_regression() -> None:
    targets = (CLASSES > 0).astype(float)[:, None]
    model = models.LogisticRegression(tol=1e-8).fit(SCALED[:200], targets[:200, 0])
    predictions = model.predict_proba(SCALED)[:, 1:]
    actual = linear("binary_cross_entropy", "sigmoid", 1, targets)
    check(actual, "binary_cross_entropy", predictions, targets, 2e-3)


def test_multinomial_regression() -> None:
    model = models.LogisticRegression(tol=1e-8).fit(SCALED[:200], CLASSES[:200])
    actual = linear("cross_entropy", "softmax", 3, CLASSES)
    check(actual, "cross_entropy", model.predict_proba(SCALED), np.eye(3)[CLASSES], 2e-3)


def test_support_vectors() -> None:
    targets = (CLASSES > 0).astype(float)[:, None]
    model = machines.SVC(kernel="linear")
    model.fit(SCALED[:200], targets[:200, 0])
    decisions = model.decision_function(SCALED)[:, None]
    check(linear("hinge", "linear", 1, targets), "hinge", decisions, targets, 0.02)


def test_huber() -> None:
    model = models.HuberRegressor(alpha=0.0, epsilon=1.35).fit(SCALED[:200], WAVES[:200, 0])
    other = find_loss("huber").value(model.predict(SCALED[:200])[:, None], WAVES[:200])
    # It estimates the scale of the errors too, so its loss at delta 1 is a little higher.
    assert linear("huber", "linear", 1, WAVES).train == pytest.approx(other, rel=0.01)
    assert linear("huber", "linear", 1, WAVES).train <= other + 1e-9
