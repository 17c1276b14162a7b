"""Metrics, with numbers small enough to count by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from epochal_engine import LOSSES, CrossEntropy, Data, Dense, Network, Run, Sgd, Training
from epochal_engine.model.metrics import (
    AT_ONCE,
    Answers,
    accuracy,
    confusion_matrix,
    measure,
    perplexity,
    r_squared,
    top_k_accuracy,
)
from epochal_engine.walk.recording import Measurement

THREE_CLASSES = np.array([[0.7, 0.2, 0.1], [0.4, 0.5, 0.1], [0.3, 0.3, 0.4], [0.2, 0.5, 0.3]])
RIGHT = np.eye(3)[[0, 0, 0, 2]]


def test_the_largest_output_is_the_answer_and_a_single_one_says_yes_from_one_half_on() -> None:
    assert accuracy(THREE_CLASSES, RIGHT) == 0.25
    assert accuracy([[0.5], [0.4], [0.9]], [[1.0], [0.0], [0.0]]) == pytest.approx(2 / 3)
    assert accuracy([THREE_CLASSES, THREE_CLASSES], [RIGHT, RIGHT]) == 0.25


def test_a_prediction_that_is_not_a_number_is_wrong() -> None:
    for scores in ([np.nan, 0.0, 1.0], [0.0, np.nan, 1.0], [np.nan] * 3):
        assert accuracy([scores], RIGHT[:1]) == 0.0
        assert [top_k_accuracy([scores], RIGHT[:1], k) for k in (1, 2, 3)] == [0.0, 0.0, 0.0]
    assert accuracy([[np.nan], [0.4]], [[0.0], [0.0]]) == 0.5


def test_a_right_class_among_the_k_largest_is_enough() -> None:
    actual = [top_k_accuracy(THREE_CLASSES, RIGHT, k) for k in (1, 2, 3)]
    # The third sample has its right class level with another one: it takes all three.
    assert actual == [0.25, 0.75, 1.0]
    assert top_k_accuracy(np.zeros((1, 3)), RIGHT[:1], 2) == 0.0
    with pytest.raises(ValueError, match="at least 1"):
        top_k_accuracy(THREE_CLASSES, RIGHT, 0)


def test_a_confusion_matrix_counts_what_was_taken_for_what() -> None:
    actual = confusion_matrix([0, 1, 1, 2, 0], [0, 0, 1, 2, 2], 4)
    assert actual.tolist() == [[1, 1, 0, 0], [0, 1, 0, 0], [1, 0, 1, 0], [0, 0, 0, 0]]
    with pytest.raises(ValueError, match="from 0 to 1"):
        confusion_matrix([2], [0], 2)
    with pytest.raises(ValueError, match="differ in shape"):
        confusion_matrix([1, 0], [1], 2)


def test_r_squared_is_one_at_best_and_nothing_for_always_the_mean() -> None:
    targets = [[1.0], [2.0], [3.0]]
    assert r_squared(targets, targets) == 1.0
    assert r_squared([[2.0]] * 3, targets) == 0.0
    # Squares left: 0.25 of a total of 2.
    assert r_squared([[1.0], [2.5], [3.0]], targets) == pytest.approx(0.875)
    assert r_squared([[3.0], [2.0], [1.0]], targets) == -3.0
    assert r_squared([[1.0, 2.0], [2.0, 2.0], [3.0, 2.0]], [[1, 0], [2, 2], [3, 4]]) == 0.5
    assert r_squared([[5.0], [5.0]], [[5.0], [5.0]]) == 1.0
    assert r_squared([[5.0], [4.0]], [[5.0], [5.0]]) == 0.0


def test_perplexity_counts_the_choices() -> None:
    assert perplexity([0.0, math.log(50_257)]) == pytest.approx([1.0, 50_257.0])
    assert perplexity(1_000.0) == math.inf


def test_predictions_and_targets_must_agree_in_shape() -> None:
    with pytest.raises(ValueError, match="differ in shape"):
        accuracy(np.zeros((3, 1)), np.zeros(3))


def test_tokens_that_do_not_count_are_no_part_of_the_loss_or_the_accuracy() -> None:
    loss = CrossEntropy(ignore_label=-1)
    targets = loss.targets(np.array([0, -1, 1, 1]), (4, 2)).astype(np.float64)
    scores = np.log([[[0.8, 0.2], [0.5, 0.5], [0.4, 0.6], [0.9, 0.1]]])
    squares = {"gradient": np.zeros((1, 1)), "parameters": np.zeros((1, 1))}
    columns, _ = measure(
        {"train": Measurement(loss, Answers(targets))}, {"logits": scores}, squares
    )
    by_hand = -(math.log(0.8) + math.log(0.6) + math.log(0.1)) / 3
    assert columns["train_loss"] == pytest.approx([by_hand])
    assert columns["train_accuracy"] == pytest.approx([2 / 3])


@pytest.mark.parametrize(
    ("loss", "targets", "exact"),
    [
        # Three sequences of two tokens; the second token of the second one is wrong.
        (CrossEntropy(), [[0, 1], [1, 1], [1, 0]], 2 / 3),
        # If that token does not count, all are right; a sequence in which none counts is so too.
        (CrossEntropy(ignore_label=-1), [[0, 1], [1, -1], [-1, -1]], 1.0),
        (CrossEntropy(ignore_label=-1), [[0, 0], [1, -1], [-1, -1]], 2 / 3),
    ],
)
def test_a_sequence_matches_if_all_its_predictions_that_count_are_correct(
    loss: CrossEntropy, targets: list[list[int]], exact: float
) -> None:
    scores = np.log([[[[0.8, 0.2], [0.3, 0.7]], [[0.1, 0.9], [0.6, 0.4]], [[0.1, 0.9], [1, 1e-9]]]])
    squares = dict.fromkeys(("gradient", "parameters"), np.ones((1, 1)))
    labels = np.array(targets)
    for given in (loss.checked(labels, (3, 2, 2)), loss.targets(labels, (3, 2, 2))):
        measures = {"train": Measurement(loss, Answers(given))}
        columns, _ = measure(measures, {"logits": scores}, squares)
        assert columns["train_exact_match"].tolist() == [exact]


@pytest.mark.parametrize("name", ["mse", "cross_entropy"])
def test_single_predictions_and_numbers_have_no_exact_match(name: str) -> None:
    targets = np.eye(2)[[0, 1, 1]]
    shape = (1, 3, 2) if name == "cross_entropy" else (1, 3, 4, 2)
    answers = Answers(targets if name == "cross_entropy" else np.repeat(targets[:, None], 4, 1))
    assert "exact_match" not in Measurement(LOSSES[name], answers)(np.zeros(shape))


@pytest.mark.parametrize("shape", [(3,), (5_000, 4), (40,)])
def test_no_metric_depends_on_how_many_answers_are_looked_at_together(
    shape: tuple[int, ...],
) -> None:
    # Two epochs of three members, each of them with more numbers than are looked at together.
    rng = np.random.default_rng(0)
    samples = 2 * AT_ONCE // math.prod(shape) + 1
    scores = rng.normal(size=(2, 3, samples, *shape)).astype(np.float32)
    targets = np.eye(shape[-1])[rng.integers(shape[-1], size=(samples, *shape[:-1]))]
    squares = dict.fromkeys(("gradient", "parameters"), np.ones((2, 3, 1)))
    loss = CrossEntropy()
    columns, are_finite = measure(
        {"train": Measurement(loss, Answers(targets))}, {"logits": scores}, squares
    )
    assert are_finite.tolist() == [[True] * 3] * 2
    assert columns["gradient_norm"].tolist() == [[1.0] * 3] * 2
    for epoch, member in np.ndindex(2, 3):
        whole = scores[epoch, member]
        values = loss.recorded_values(whole, targets)
        hits = loss.correct_from_logits(whole.astype(np.float64), targets)
        assert columns["train_loss"][epoch, member] == values.ravel().mean()
        assert columns["train_accuracy"][epoch, member] == hits.ravel().mean()


def test_classes_by_number_train_as_rows_do() -> None:
    rng = np.random.default_rng(0)
    inputs, labels = rng.normal(size=(20, 2)), rng.integers(3, size=20)
    network = Network((2,), (Dense(3, "softmax"),))
    training = Training("cross_entropy", Sgd(0.5), epochs=20, batch_size=8)
    runs = [Run(network, training, Data(inputs, t)) for t in (labels, np.eye(3)[labels])]
    for run in runs:
        for _ in run:
            pass
    first, second = (run.weights()["dense_1.weight"] for run in runs)
    np.testing.assert_array_equal(first, second)
