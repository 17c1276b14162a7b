"""Losses: their values and gradients on predictions, and the same from logits."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epochal_engine import (
    ACTIVATIONS,
    LOSSES,
    BinaryCrossEntropy,
    CrossEntropy,
    Data,
    Dense,
    Focal,
    Huber,
    Loss,
    Mse,
    Network,
    Perceptron,
    Run,
    Training,
    find_loss,
)
from epochal_engine.model.exponential import exponential
from epochal_engine.model.losses import FEW_OUTPUTS
from epochal_engine.symbolic.differentiate import differentiate
from epochal_engine.symbolic.plan import evaluate
from epochal_engine.symbolic.trace import Array, leaf
from epochal_engine.training.blocks import join

# The usual settings of every loss, and settings that change its formula.
VARIANTS: dict[str, Loss] = {
    **LOSSES,
    "huber(0.3)": Huber(0.3),
    "focal(0)": Focal(0.0),
    "focal(0.5)": Focal(0.5),
    "smoothed": CrossEntropy(label_smoothing=0.2),
    "ignoring": CrossEntropy(ignore_label=-1),
    "smoothed, ignoring": CrossEntropy(label_smoothing=0.2, ignore_label=-1),
}
# The rule of the perceptron follows a slope that its share of errors does not have.
SLOPED = sorted(set(VARIANTS) - {"perceptron"})


@pytest.mark.parametrize(
    ("loss", "prediction", "target", "value"),
    [
        ("binary_cross_entropy", 0.70, 1.0, 0.356675),
        ("binary_cross_entropy", 0.01, 1.0, 4.605170),
        ("binary_cross_entropy", 0.50, 1.0, 0.693147),
        ("binary_cross_entropy", 0.99, 1.0, 0.010050),
        ("binary_cross_entropy", 0.70, 0.0, 1.203973),
        ("mse", 0.70, 1.0, 0.09),
        ("mae", 0.70, 1.0, 0.30),
        ("huber", 0.70, 1.0, 0.045),
        ("focal", 0.70, 1.0, 0.0321008),
        ("hinge", 2 * 0.70 - 1.0, 1.0, 0.6),
        ("hinge", 2 * 0.70 - 1.0, 0.0, 1.4),
        ("hinge", 1.5, 1.0, 0.0),
        ("preference", 0.0, 1.0, 0.693147),
        ("preference", 2.0, 1.0, 0.126928),
        ("preference", 2.0, 0.0, 2.126928),
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
    assert LOSSES[loss].gradient(prediction, 1.0) == pytest.approx(slope, abs=5e-7)


@pytest.mark.parametrize(("choices", "value"), [(100_000, 11.5129), (50_257, 10.8249)])
def test_a_uniform_guess_costs_the_logarithm_of_the_number_of_choices(
    choices: int, value: float
) -> None:
    target = np.zeros(choices)
    target[7] = 1.0
    actual = LOSSES["cross_entropy"].value(np.full(choices, 1.0 / choices), target)
    assert actual == pytest.approx(value, abs=5e-5)
    assert actual == pytest.approx(math.log(choices))


@pytest.mark.parametrize("loss", sorted(set(VARIANTS) - {"hinge", "preference"}))
@pytest.mark.parametrize("prediction", [0.0, 1.0])
@pytest.mark.parametrize("target", [0.0, 1.0])
def test_certainty_stays_finite(loss: str, prediction: float, target: float) -> None:
    predictions = np.array([prediction, 1.0 - prediction])
    targets = np.array([target, 1.0 - target])
    value = VARIANTS[loss].value(predictions, targets)
    assert math.isfinite(value)
    if not loss.startswith("smoothed"):
        assert (value == 0.0) == (prediction == target)
    assert np.isfinite(VARIANTS[loss].gradient(predictions, targets)).all()


@pytest.mark.parametrize("name", SLOPED)
@settings(max_examples=30)
@given(st.integers(1, 5), st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_the_slope_is_that_of_the_value(name: str, samples: int, outputs: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    predictions = rng.uniform(0.1, 0.9, (samples, outputs))
    targets = targets_for(name, (samples, outputs), rng)
    direction = rng.normal(size=predictions.shape)
    loss = VARIANTS[name]

    def at(distance: float) -> float:
        return loss.value(predictions + distance * direction, targets)

    slope = float((loss.gradient(predictions, targets) * direction).sum())
    # Where a kink lies between, the slope equals neither side's.
    near_a_kink = (np.abs(np.abs(predictions - targets) - 0.3) < 1e-4).any()
    near_zero = (np.abs(predictions - targets) < 1e-4).any()
    if not near_a_kink and not near_zero:
        assert slope == pytest.approx((at(1e-6) - at(-1e-6)) / 2e-6, rel=1e-5, abs=1e-7)


def targets_for(name: str, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Any targets; rows that sum to 1 for classes, and some of zeros where these do not count."""
    targets = rng.uniform(0.0, 1.0, shape)
    if isinstance(VARIANTS[name], CrossEntropy):
        targets /= targets.sum(-1, keepdims=True)
    if "ignoring" in name:
        targets[rng.random(shape[:-1]) < 0.4] = 0.0
    return targets


@pytest.mark.parametrize("name", SLOPED)
@pytest.mark.parametrize("shape", [(4, 3), (3, 5, 2)])
def test_what_is_traced_is_the_mean_and_has_its_slope(name: str, shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(7)
    loss = VARIANTS[name]
    scores, targets = rng.normal(size=shape) * 2.0, targets_for(name, shape, rng)
    x, y = leaf(shape), leaf(shape)
    value = loss.traced(x, y)
    actual, slope = evaluate([value, *differentiate(value, [x])], {x: scores, y: targets})

    def mean(scores: Array) -> float:
        values, counted = loss.values_from_logits(scores, targets), loss.counted(targets)
        return float(values.mean() if counted is None else values.sum() / counted.sum())

    assert actual == pytest.approx(mean(scores))
    direction = rng.normal(size=shape)
    expected = (mean(scores + 1e-6 * direction) - mean(scores - 1e-6 * direction)) / 2e-6
    assert (slope * direction).sum() == pytest.approx(expected, rel=1e-6, abs=1e-8)


@pytest.mark.parametrize("name", sorted(VARIANTS))
@settings(max_examples=30)
@given(st.integers(1, 3), st.integers(1, 5), st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_scores_give_the_loss_of_the_predictions_that_they_lead_to(
    name: str, epochs: int, samples: int, outputs: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    loss = VARIANTS[name]
    scores = rng.normal(size=(epochs, samples, outputs)) * 2.0
    targets = np.eye(outputs)[rng.integers(outputs, size=samples)]
    actual = loss.values_from_logits(scores, targets)
    assert actual.shape == (epochs, samples)
    for epoch in range(epochs):
        predictions = ACTIVATIONS[loss.output_activation or "linear"].function(scores[epoch])
        np.testing.assert_allclose(
            actual[epoch], loss.values(predictions, targets), rtol=1e-9, atol=1e-12
        )


@pytest.mark.parametrize("classes", [2, FEW_OUTPUTS, FEW_OUTPUTS + 1])
def test_the_cross_entropy_of_scores_is_exact_for_few_classes_and_for_many(classes: int) -> None:
    rng = np.random.default_rng(classes)
    scores = rng.normal(size=(20, classes)) * 10.0 ** rng.uniform(-3, 3, (20, 1))
    labels = rng.integers(classes, size=20)
    actual = LOSSES["cross_entropy"].values_from_logits(scores, np.eye(classes)[labels])
    expected = np.logaddexp.reduce(scores, axis=1) - scores[np.arange(20), labels]
    np.testing.assert_allclose(actual, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("classes", [2, FEW_OUTPUTS, FEW_OUTPUTS + 1])
@pytest.mark.parametrize("size", [1e-3, 1.0, 30.0])
def test_recorded_cross_entropies_of_float32_are_exact_to_seven_digits(
    classes: int, size: float
) -> None:
    rng = np.random.default_rng(classes)
    logits = (size * rng.normal(size=(2_000, classes))).astype(np.float32)
    labels = np.where(rng.random(2_000) < 0.5, logits.argmax(-1), rng.integers(classes, size=2_000))
    loss = LOSSES["cross_entropy"]
    expected = loss.values_from_logits(logits.astype(np.float64), labels)
    actual = loss.recorded_values(logits, labels)
    assert actual.dtype == np.float64
    np.testing.assert_allclose(actual, expected, rtol=0.0, atol=6e-8)
    assert actual.mean() == pytest.approx(expected.mean(), rel=1e-8)
    np.testing.assert_array_equal(loss.recorded_values(logits.astype(np.float64), labels), expected)


def test_the_exponential_of_float32_has_their_precision() -> None:
    x = np.linspace(-87.0, 0.0, 1_000_001, dtype=np.float32)
    error = exponential(x) / np.exp(x.astype(np.float64)) - 1.0
    assert np.abs(error).max() < 1.2e-7
    few = exponential(np.array([0.0, -0.0, -200.0, -np.inf, np.nan], np.float32))
    assert few[:2].tolist() == [1.0, 1.0]
    assert (few[2:4] < 1e-37).all()
    assert np.isnan(few[4])


def test_the_binary_cross_entropy_of_scores_is_exact_however_sure_they_are() -> None:
    scores = np.array([[-1e30], [-800.0], [-30.0], [-1e-9], [0.0], [0.5], [40.0], [800.0], [1e30]])
    no = np.zeros_like(scores)
    actual = LOSSES["binary_cross_entropy"].values_from_logits(scores, no)
    np.testing.assert_allclose(actual, np.logaddexp(scores[:, 0], 0.0), rtol=1e-14, atol=0.0)


def test_an_answer_is_right_on_the_side_of_one_half_or_in_the_largest_class() -> None:
    for name in ("binary_cross_entropy", "focal", "hinge", "perceptron"):
        hits = LOSSES[name].correct_from_logits(
            np.array([[-0.1], [0.1], [3.0]]), np.array([[0.0], [1.0], [0.0]])
        )
        assert hits.tolist() == [1.0, 1.0, 0.0]
    hits = LOSSES["cross_entropy"].correct_from_logits(
        np.array([[2.0, 1.0], [-3.0, -2.0]]), np.array([[1.0, 0.0], [1.0, 0.0]])
    )
    assert hits.tolist() == [1.0, 0.0]


def test_a_logit_that_is_not_a_number_is_wrong() -> None:
    for name in ("binary_cross_entropy", "focal", "hinge", "perceptron"):
        hits = LOSSES[name].correct_from_logits(np.full((2, 1), np.nan), np.array([[0.0], [1.0]]))
        assert hits.tolist() == [0.0, 0.0]
    logits = np.array([[np.nan, 1.0], [1.0, np.nan], [np.nan, np.nan]])
    for targets in (np.array([0, 0, 0]), np.array([[1.0, 0.0]] * 3)):
        assert LOSSES["cross_entropy"].correct_from_logits(logits, targets).tolist() == [0.0] * 3


@pytest.mark.parametrize("name", ["mse", "mae", "huber"])
def test_where_numbers_are_predicted_nothing_is_right_or_wrong(name: str) -> None:
    assert not LOSSES[name].has_accuracy
    with pytest.raises(NotImplementedError):
        LOSSES[name].correct_from_logits(np.zeros((1, 1)), np.zeros((1, 1)))


def test_huber_is_half_the_square_near_the_target_and_a_line_far_from_it() -> None:
    assert Huber(2.0).value([[0.0, 5.0]], [[1.0, 0.0]]) == pytest.approx((0.5 + 2.0 * 4.0) / 2.0)
    assert Huber(2.0).gradient([[0.0, 5.0]], [[1.0, 0.0]]).tolist() == [[-0.5, 1.0]]


def test_focal_loss_without_focus_is_binary_cross_entropy() -> None:
    predictions, targets = [[0.2, 0.9, 0.5]], [[1.0, 1.0, 0.0]]
    plain = BinaryCrossEntropy()
    assert Focal(0.0).value(predictions, targets) == pytest.approx(
        plain.value(predictions, targets)
    )
    assert Focal().value(0.9, 1.0) == pytest.approx(0.01 * plain.value(0.9, 1.0))


def test_smoothing_a_label_spreads_its_share_over_all_classes() -> None:
    predictions = np.array([0.7, 0.2, 0.1])
    by_hand = -(0.8 * math.log(0.7) + 0.1 * math.log(0.2) + 0.1 * math.log(0.1))
    actual = CrossEntropy(label_smoothing=0.3).value(predictions, [1.0, 0.0, 0.0])
    assert actual == pytest.approx(by_hand)


def test_classes_may_be_given_by_number_and_some_do_not_count() -> None:
    given = np.array([[2, -1], [0, 1]])
    rows = CrossEntropy(ignore_label=-1).targets(given, (2, 2, 3))
    assert rows.tolist() == [[[0, 0, 1], [0, 0, 0]], [[1, 0, 0], [0, 1, 0]]]
    targets = CrossEntropy().targets(rows, (2, 2, 3))
    assert targets is rows
    for wrong in (given, np.array([[0, 3], [0, 1]]), np.array([[0, 0.5], [0, 1]])):
        with pytest.raises(ValueError, match="whole numbers from 0 to 2"):
            CrossEntropy().targets(wrong, (2, 2, 3))
    with pytest.raises(ValueError, match=r"need the shape \(2, 2, 3\), not \(2,\)"):
        CrossEntropy().targets(np.zeros(2), (2, 2, 3))


def test_the_loss_of_a_sequence_is_the_mean_over_the_tokens_that_count() -> None:
    loss = CrossEntropy(ignore_label=9)
    predictions = np.array([[[0.5, 0.5], [0.9, 0.1], [0.2, 0.8]]])
    targets = loss.targets(np.array([[0, 9, 1]]), predictions.shape)
    assert loss.value(predictions, targets) == pytest.approx(-(math.log(0.5) + math.log(0.8)) / 2)
    slope = loss.gradient(predictions, targets)
    assert slope[0, 1].tolist() == [0.0, 0.0]
    assert slope[0, 0].tolist() == [-1.0, 0.0]


def test_a_loss_may_be_named_or_given() -> None:
    assert find_loss("mse") == Mse()
    assert find_loss(Huber(0.1)) == Huber(0.1)


@pytest.mark.parametrize(
    ("table", "wrong_answers", "weights", "bias"),
    [
        ([0, 0, 0, 1], [2, 3, 3, 2, 1, 0], [2, 1], -3),  # and
        ([0, 1, 1, 1], [2, 2, 1, 0], [1, 1], -1),  # or
    ],
)
def test_the_rule_of_the_perceptron_learns_what_a_line_can_separate(
    table: list[int], wrong_answers: list[int], weights: list[int], bias: int
) -> None:
    data = Data(np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array(table)[:, None])
    network = Network((2,), (Dense(1, "step", initializer="zeros"),))
    training = Training(
        "perceptron", Perceptron(), epochs=len(wrong_answers), batch_size=1, shuffle=False
    )
    run = Run(network, training, data)
    for _ in run:
        pass
    columns = join(run.take()).columns
    assert (4 * columns["train_loss"]).tolist() == wrong_answers
    assert (4 * (1.0 - columns["train_accuracy"])).tolist() == wrong_answers
    assert run.weights()["dense_1.weight"].ravel().tolist() == weights
    assert run.weights()["dense_1.bias"].tolist() == [bias]


def test_the_rule_of_the_perceptron_never_learns_exclusive_or() -> None:
    data = Data(np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([[0], [1], [1], [0]]))
    network = Network((2,), (Dense(1, "step", initializer="zeros"),))
    run = Run(network, Training("perceptron", Perceptron(), 200, 1, shuffle=False), data)
    for _ in run:
        pass
    assert join(run.take()).columns["train_loss"].min() > 0.0


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Huber(0.0),
        lambda: Focal(-1.0),
        lambda: CrossEntropy(label_smoothing=1.0),
    ],
)
def test_senseless_settings_are_refused(wrong: Callable[[], Loss]) -> None:
    with pytest.raises(ValueError, match=r"delta|gamma|label_smoothing"):
        wrong()


def test_predictions_and_targets_must_agree_in_shape() -> None:
    with pytest.raises(ValueError, match="differ in shape"):
        LOSSES["mse"].value(np.zeros((3, 1)), np.zeros(3))


def test_equal_losses_are_one_object_so_that_what_their_methods_key_is_found_again() -> None:
    assert find_loss(Focal(gamma=1.5)).logits == find_loss(Focal(gamma=1.5)).logits
    assert find_loss(Focal(gamma=1.5)) != find_loss(Focal(gamma=1.0))
    assert find_loss("mse") is find_loss("mse")
