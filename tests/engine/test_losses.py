"""Losses: their values and slopes on predictions, and the same from logits."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epochal_engine import ACTIVATIONS, LOSSES


@pytest.mark.parametrize(
    ("loss", "prediction", "target", "value"),
    [
        ("binary_cross_entropy", 0.70, 1.0, 0.356675),
        ("binary_cross_entropy", 0.01, 1.0, 4.605170),
        ("binary_cross_entropy", 0.50, 1.0, 0.693147),
        ("binary_cross_entropy", 0.99, 1.0, 0.010050),
        ("binary_cross_entropy", 0.70, 0.0, 1.203973),
        ("mse", 0.70, 1.0, 0.09),
    ],
)
def test_the_value_of_one_prediction(
    loss: str, prediction: float, target: float, value: float
) -> None:
    assert LOSSES[loss].value(prediction, target) == pytest.approx(value, abs=5e-7)


@pytest.mark.parametrize(
    ("loss", "prediction", "slope"),
    [
        ("binary_cross_entropy", 0.70, -1.428571),
        ("binary_cross_entropy", 0.01, -100.0),
        ("mse", 0.01, -1.98),
    ],
)
def test_the_slope_of_one_prediction_whose_target_is_one(
    loss: str, prediction: float, slope: float
) -> None:
    assert LOSSES[loss].slope(prediction, 1.0) == pytest.approx(slope, abs=5e-7)


@pytest.mark.parametrize(("choices", "value"), [(100_000, 11.5129), (50_257, 10.8249)])
def test_a_uniform_guess_costs_the_logarithm_of_the_number_of_choices(
    choices: int, value: float
) -> None:
    target = np.zeros(choices)
    target[7] = 1.0
    found = LOSSES["cross_entropy"].value(np.full(choices, 1.0 / choices), target)
    assert found == pytest.approx(value, abs=5e-5)
    assert found == pytest.approx(math.log(choices))


@pytest.mark.parametrize("loss", sorted(LOSSES))
@pytest.mark.parametrize("prediction", [0.0, 1.0])
@pytest.mark.parametrize("target", [0.0, 1.0])
def test_certainty_stays_finite(loss: str, prediction: float, target: float) -> None:
    predictions = np.array([prediction, 1.0 - prediction])
    targets = np.array([target, 1.0 - target])
    value = LOSSES[loss].value(predictions, targets)
    assert math.isfinite(value)
    assert (value == 0.0) == (prediction == target)
    assert np.isfinite(LOSSES[loss].slope(predictions, targets)).all()


@pytest.mark.parametrize("name", sorted(LOSSES))
@settings(deadline=None)
@given(st.integers(1, 5), st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_the_slope_is_that_of_the_value(name: str, samples: int, outputs: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    predictions = rng.uniform(0.1, 0.9, (samples, outputs))
    targets = rng.uniform(0.0, 1.0, (samples, outputs))
    direction = rng.normal(size=predictions.shape)
    loss = LOSSES[name]

    def at(distance: float) -> float:
        return loss.value(predictions + distance * direction, targets)

    slope = float((loss.slope(predictions, targets) * direction).sum())
    assert slope == pytest.approx((at(1e-6) - at(-1e-6)) / 2e-6, rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("name", sorted(LOSSES))
@settings(deadline=None)
@given(st.integers(1, 3), st.integers(1, 5), st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_scores_give_the_loss_of_the_predictions_that_they_lead_to(
    name: str, epochs: int, samples: int, outputs: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    loss = LOSSES[name]
    scores = rng.normal(size=(epochs, samples, outputs)) * 5.0
    targets = np.eye(outputs)[rng.integers(outputs, size=samples)]
    found = loss.values_from_scores(scores, targets)
    assert found.shape == (epochs, samples)
    for epoch in range(epochs):
        predictions = ACTIVATIONS[loss.output_activation or "linear"].function(scores[epoch])
        np.testing.assert_allclose(
            found[epoch], loss.values(predictions, targets), rtol=1e-9, atol=1e-12
        )


def test_an_answer_is_right_on_the_side_of_one_half_or_in_the_largest_class() -> None:
    binary, classes = LOSSES["binary_cross_entropy"], LOSSES["cross_entropy"]
    assert binary.hits_from_scores is not None
    assert classes.hits_from_scores is not None
    hits = binary.hits_from_scores(
        np.array([[-0.1], [0.1], [3.0]]), np.array([[0.0], [1.0], [0.0]])
    )
    assert hits.tolist() == [1.0, 1.0, 0.0]
    hits = classes.hits_from_scores(
        np.array([[2.0, 1.0], [-3.0, -2.0]]), np.array([[1, 0], [1, 0]])
    )
    assert hits.tolist() == [1.0, 0.0]
    assert LOSSES["mse"].hits_from_scores is None


def test_predictions_and_targets_must_agree_in_shape() -> None:
    with pytest.raises(ValueError, match="differ in shape"):
        LOSSES["mse"].value(np.zeros((3, 1)), np.zeros(3))
