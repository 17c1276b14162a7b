"""Losses of the best constant, of a linear model and before the first step, in closed forms."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from epochal_engine import (
    Adam,
    CrossEntropy,
    Data,
    Dense,
    Dropout,
    Embedding,
    Focal,
    Huber,
    Loss,
    Lstm,
    Network,
    Run,
    Training,
    baselines,
    initial_losses,
    split,
)

RNG = np.random.default_rng(0)
INPUTS = RNG.normal(size=(60, 2))


def network(outputs: int = 1, activation: str = "linear", features: int = 2) -> Network:
    return Network((features,), (Dense(3, "tanh"), Dense(outputs, activation)))


def test_the_constant_of_squared_errors_is_the_training_mean_of_each_output() -> None:
    targets = RNG.normal([3.0, -1.0], [1.0, 5.0], (60, 2))
    data = Data(INPUTS[:40], targets[:40], INPUTS[40:], targets[40:])
    mean = targets[:40].mean(0)
    actual = baselines(network(2), "mse", data).constant
    assert actual.train == pytest.approx(targets[:40].var(0).mean(), rel=1e-12)
    assert actual.validation == pytest.approx(np.square(targets[40:] - mean).mean(), rel=1e-12)


def test_without_validation_data_there_is_no_validation_loss() -> None:
    actual = baselines(network(), "mse", Data(INPUTS, INPUTS[:, :1]))
    assert actual.constant.validation is None
    assert actual.linear is not None
    assert actual.linear.validation is None


def test_the_constant_of_absolute_errors_is_the_median() -> None:
    targets = np.array([[0.0], [1.0], [100.0]])
    actual = baselines(network(), "mae", Data(INPUTS[:3], targets)).constant
    assert actual.train == pytest.approx(100.0 / 3.0)


@pytest.mark.parametrize("delta", [0.1, 1.0, 30.0])
def test_no_other_constant_has_a_lower_huber_loss(delta: float) -> None:
    targets = RNG.exponential(size=(60, 1)) * 10.0
    loss = Huber(delta)
    actual = baselines(network(), loss, Data(INPUTS, targets)).constant.train
    tried = [loss.value(np.full_like(targets, c), targets) for c in np.linspace(0, 60, 6001)]
    assert actual <= min(tried)
    assert actual == pytest.approx(min(tried), rel=1e-4)


def test_the_constant_of_binary_cross_entropy_is_the_share_and_its_loss_the_entropy() -> None:
    targets = (np.arange(60) < 15).astype(float)[:, None]
    actual = baselines(network(1, "sigmoid"), "binary_cross_entropy", Data(INPUTS, targets))
    entropy = -(0.25 * math.log(0.25) + 0.75 * math.log(0.75))
    assert actual.constant.train == pytest.approx(entropy, rel=1e-12)


@pytest.mark.parametrize(("loss", "expected"), [("hinge", 0.5), ("perceptron", 0.25)])
def test_the_constant_of_hinge_and_perceptron_is_the_more_frequent_class(
    loss: str, expected: float
) -> None:
    targets = (np.arange(60) < 15).astype(float)[:, None]
    end = "step" if loss == "perceptron" else "linear"
    actual = baselines(network(1, end), loss, Data(INPUTS, targets)).constant
    assert actual.train == pytest.approx(expected, rel=1e-12)


def test_no_other_probability_has_a_lower_focal_loss() -> None:
    targets = (np.arange(60) < 15).astype(float)[:, None]
    loss = Focal(2.0)
    actual = baselines(network(1, "sigmoid"), loss, Data(INPUTS, targets)).constant.train
    tried = [loss.value(np.full_like(targets, p), targets) for p in np.linspace(0.01, 0.99, 99)]
    assert actual <= min(tried)
    assert actual == pytest.approx(min(tried), rel=1e-3)


@pytest.mark.parametrize("as_labels", [True, False])
def test_the_constant_of_cross_entropy_are_the_class_shares(as_labels: bool) -> None:
    labels = np.repeat([0, 1, 2], [30, 20, 10])
    targets = labels if as_labels else np.eye(3)[labels]
    other = np.zeros(8, int) if as_labels else np.eye(3)[np.zeros(8, int)]
    data = Data(INPUTS, targets, INPUTS[:8], other)
    actual = baselines(network(3, "softmax"), "cross_entropy", data).constant
    shares = np.array([3, 2, 1]) / 6
    assert actual.train == pytest.approx(-(shares * np.log(shares)).sum(), rel=1e-12)
    assert actual.validation == pytest.approx(math.log(2.0), rel=1e-12)


def test_with_label_smoothing_the_constant_fits_the_smoothed_shares() -> None:
    labels = np.repeat([0, 1], [45, 15])
    loss = CrossEntropy(label_smoothing=0.2)
    actual = baselines(network(2, "softmax"), loss, Data(INPUTS, labels)).constant.train
    shares = 0.8 * np.array([0.75, 0.25]) + 0.1
    assert actual == pytest.approx(-(shares * np.log(shares)).sum(), rel=1e-12)


SEQUENCES = Network((4,), (Embedding(5, 3), Dense(3, "softmax")))


def test_the_constant_of_a_sequence_is_the_share_of_the_labels_that_count() -> None:
    labels = np.array([[0, 0, 1, 2], [0, 1, 2, 2]])
    data = Data(np.zeros((2, 4)), labels)
    loss = CrossEntropy(ignore_label=2)
    actual = baselines(SEQUENCES, loss, data)
    shares = np.array([3, 2]) / 5
    assert actual.constant.train == pytest.approx(-(shares * np.log(shares)).sum(), rel=1e-9)
    assert actual.linear is None
    run = Run(SEQUENCES, Training(loss, Adam(0.01), 1), data)
    assert baselines(run.network, loss, run.data) == actual


def test_a_linear_relation_is_fitted_exactly_even_of_unscaled_inputs() -> None:
    inputs = RNG.normal([1e4, 0.0], [500.0, 1e-3], (60, 2))
    targets = inputs @ [[0.01], [2000.0]] + 7.0
    data = split(inputs, targets, 0.25, rng=np.random.default_rng(1))
    for loss in ("mse", "mae", "huber"):
        linear = baselines(network(), loss, data).linear
        assert linear is not None
        assert linear.train < 1e-4
        assert linear.validation is not None
        assert linear.validation < 1e-4


def test_least_squares_of_one_input_has_the_loss_of_its_correlation() -> None:
    x = RNG.normal(size=200)
    y = 2.0 * x + RNG.normal(size=200)
    data = Data(x[:, None], y[:, None])
    actual = baselines(network(features=1), "mse", data).linear
    assert actual is not None
    r = np.corrcoef(x, y)[0, 1]
    assert actual.train == pytest.approx(y.var() * (1.0 - r**2), rel=1e-6)


@pytest.mark.parametrize("column", [np.ones(60), INPUTS[:, 0]], ids=["constant", "twice the same"])
def test_constant_and_repeated_inputs_are_no_obstacle(column: np.ndarray[Any, Any]) -> None:
    inputs = np.column_stack([INPUTS, column])
    actual = baselines(network(features=3), "mse", Data(inputs, INPUTS[:, 1:])).linear
    assert actual is not None
    assert actual.train < 1e-8


LOSSES: list[tuple[str | Loss, str]] = [
    ("binary_cross_entropy", "sigmoid"),
    (Focal(1.0), "sigmoid"),
    ("hinge", "linear"),
    ("perceptron", "step"),
]


@pytest.mark.parametrize(("loss", "end"), LOSSES, ids=str)
def test_classes_that_a_line_separates_have_a_low_linear_loss(loss: Loss, end: str) -> None:
    targets = (INPUTS @ [[1.0], [2.0]] > 0.2).astype(float)
    actual = baselines(network(1, end), loss, Data(INPUTS, targets))
    assert actual.linear is not None
    assert actual.linear.train < actual.constant.train / 3.0


def test_the_linear_model_of_a_constant_target_is_the_constant() -> None:
    labels = np.zeros(60, int)
    actual = baselines(network(2, "softmax"), "cross_entropy", Data(INPUTS, labels))
    assert actual.constant.train == pytest.approx(0.0, abs=1e-6)
    assert actual.linear is not None
    assert actual.linear.train == pytest.approx(0.0, abs=1e-6)


def test_large_inputs_have_no_linear_model() -> None:
    wide = Network((2000,), (Dense(1),))
    data = Data(np.zeros((4, 2000)), np.zeros((4, 1)))
    assert baselines(wide, "mse", data).linear is None


@pytest.mark.long
def test_a_linear_model_of_many_samples_is_fitted_to_some_of_them_and_evaluated_on_all() -> None:
    inputs = RNG.normal(size=(30_000, 100))
    targets = (inputs[:, :4].sum(1) > 0).astype(float)[:, None] @ np.ones((1, 5))
    data = Data(inputs, targets)
    first, second = (
        baselines(network(5, "sigmoid", 100), "binary_cross_entropy", data) for _ in range(2)
    )
    assert first.linear is not None
    assert first.linear.train < 0.1
    assert first == second


def test_the_initial_losses_are_those_of_the_forward_pass_without_dropout() -> None:
    noisy = Network((2,), (Dense(3, "tanh"), Dropout(0.5), Dense(1)))
    targets = INPUTS[:, :1]
    data = Data(INPUTS[:40], targets[:40], INPUTS[40:], targets[40:])
    run = Run(noisy, Training("mse", Adam(0.01), 3), data)
    weights = run.weights()
    hidden = np.tanh(INPUTS @ weights["dense_1.weight"] + weights["dense_1.bias"])
    outputs = hidden @ weights["dense_3.weight"] + weights["dense_3.bias"]
    errors = np.square(outputs - targets)
    actual = initial_losses(noisy, "mse", run.data, weights)
    assert actual.train == pytest.approx(errors[:40].mean(), rel=1e-5)
    assert actual.validation == pytest.approx(errors[40:].mean(), rel=1e-5)


def test_the_first_loss_of_a_run_with_one_batch_is_its_initial_loss() -> None:
    labels = (INPUTS[:, 0] > 0).astype(float)[:, None]
    net = network(1, "sigmoid")
    run = Run(net, Training("binary_cross_entropy", Adam(0.01), 1, None), Data(INPUTS, labels))
    initial = initial_losses(net, "binary_cross_entropy", run.data, run.weights())
    for _ in run:
        pass
    assert initial.validation is None
    assert initial.train == pytest.approx(run.take()[0].columns["train_loss"][0], rel=1e-5)


def test_a_sequence_of_numbers_with_one_output_has_a_linear_model() -> None:
    net = Network((5, 2), (Lstm(3, return_sequences=False), Dense(1)))
    inputs = RNG.normal(size=(60, 5, 2))
    actual = baselines(net, "mse", Data(inputs, inputs[:, 2, :1])).linear
    assert actual is not None
    assert actual.train < 1e-8


LETTERS = Network((6,), (Embedding(4, 3), Dense(4, "softmax")))


def next_letters(samples: int, seed: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Letters: each follows from the two before it, but for one in ten."""
    rng = np.random.default_rng(seed)
    rows = rng.integers(4, size=(samples, 7))
    for step in range(2, 7):
        follows = (rows[:, step - 1] + rows[:, step - 2] + 1) % 4
        rows[:, step] = np.where(rng.random(samples) < 0.9, follows, rows[:, step])
    return rows[:, :-1].astype(float), rows[:, 1:]


def witten_bell(
    rows: list[list[int]], labels: list[list[int]], context: tuple[int, ...], label: int, size: int
) -> float:
    """The probability of a label after a context, by counting."""
    n = len(context)
    after = [
        answer
        for row, answers in zip(rows, labels, strict=True)
        for step, answer in enumerate(answers)
        if answer >= 0 and tuple(([-1] * n + row[: step + 1])[-n:] if n else ()) == context
    ]
    shorter = witten_bell(rows, labels, context[1:], label, size) if n else 1.0 / size
    kinds = len(set(after))
    return (after.count(label) + kinds * shorter) / (len(after) + kinds) if after else shorter


def test_an_ngram_model_predicts_by_how_often_a_token_followed_those_before_it() -> None:
    inputs, labels = next_letters(12, 0)
    other_inputs, other_labels = next_letters(5, 1)
    labels[3, 4:] = other_labels[2, :2] = -1
    loss = CrossEntropy(ignore_label=-1)
    data = Data(inputs, labels, other_inputs, other_labels)
    ngrams = baselines(LETTERS, loss, data).ngrams
    assert list(ngrams) == [2, 3, 4]
    rows = inputs.astype(int).tolist()
    for n, losses in ngrams.items():
        logs = [
            -math.log(
                witten_bell(
                    rows,
                    labels.tolist(),
                    tuple(([-1] * n + row[: step + 1])[1 - n :]),
                    label,
                    4,
                )
            )
            for row, answers in zip(
                other_inputs.astype(int).tolist(), other_labels.tolist(), strict=True
            )
            for step, label in enumerate(answers)
            if label >= 0
        ]
        assert losses.validation == pytest.approx(np.mean(logs), rel=1e-9)
    run = Run(LETTERS, Training(loss, Adam(0.01), 1), data)
    assert baselines(run.network, loss, run.data).ngrams == ngrams


def test_a_trigram_model_knows_what_follows_from_two_letters_and_a_bigram_model_does_not() -> None:
    ngrams = baselines(LETTERS, "cross_entropy", Data(*next_letters(2_000, 0))).ngrams
    noise = 0.925 * math.log(1 / 0.925) + 0.075 * math.log(3 / 0.075)
    # The first of six letters has nothing before it.
    assert ngrams[3].train == pytest.approx((math.log(4) + 5 * noise) / 6, rel=0.02)
    assert ngrams[2].train == pytest.approx(math.log(4), rel=0.02)


@pytest.mark.parametrize("change", ["smoothed", "weighted", "sorted"])
def test_other_sequences_have_no_ngram_models(change: str) -> None:
    inputs, labels = next_letters(20, 0)
    loss = CrossEntropy(label_smoothing=0.1 if change == "smoothed" else 0.0)
    weights = np.linspace(0.5, 1.0, 20) if change == "weighted" else None
    if change == "sorted":
        labels = np.sort(inputs.astype(int))
    data = Data(inputs, labels, train_sample_weights=weights)
    assert baselines(LETTERS, loss, data).ngrams == {}
