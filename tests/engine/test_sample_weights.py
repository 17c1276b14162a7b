"""Weights of samples and classes: a weight of 2 is what a second copy of the sample would be."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.engine.recordings import CASES
from tests.engine.test_losses import SLOPED, VARIANTS, targets_for
from tests.engine.test_sweep import assert_members_are_runs, rates

from epochal_engine import (
    LOSSES,
    Adam,
    CrossEntropy,
    Data,
    Dense,
    Dropout,
    Network,
    Noise,
    Rnn,
    Run,
    Sgd,
    Training,
    balanced_class_weights,
    baselines,
    initial_losses,
    weights_by_class,
)
from epochal_engine.model.sample_weights import scaled_weights
from epochal_engine.symbolic.differentiate import differentiate
from epochal_engine.symbolic.plan import evaluate
from epochal_engine.symbolic.trace import Array, leaf
from epochal_engine.training.blocks import Block, join

RNG = np.random.default_rng(0)
COPIES = RNG.integers(0, 4, 30)
ROWS = np.repeat(np.arange(30), COPIES)
INPUTS = RNG.normal(size=(30, 4))
# Pairs of rows have no weights.
SINGLE = [name for name, loss in LOSSES.items() if loss.rows == 1]
ENDS = {"sigmoid": "sigmoid", "softmax": "softmax", "step": "step", None: "linear"}


def finish(run: Run) -> Block:
    for _ in run:
        pass
    return join(run.take())


@pytest.mark.parametrize("name", SLOPED)
@pytest.mark.parametrize("shape", [(4, 3), (3, 5, 2)])
def test_what_is_traced_is_the_weighted_mean_and_has_its_slope(
    name: str, shape: tuple[int, ...]
) -> None:
    rng = np.random.default_rng(7)
    loss = VARIANTS[name]
    logits, targets = rng.normal(size=shape) * 2.0, targets_for(name, shape, rng)
    counted = loss.counted(targets)
    weights = rng.random(shape[:-1]) if counted is None else rng.random(shape[:-1]) * counted
    total = targets[..., 0].size if counted is None else counted.sum()
    x, y, w = leaf(shape), leaf(shape), leaf((*shape[:-1], 1))
    value = loss.traced(x, y, w)
    actual, slope = evaluate(
        [value, *differentiate(value, [x])], {x: logits, y: targets, w: weights[..., None]}
    )

    def mean(logits: Array) -> float:
        return float((loss.values_from_logits(logits, targets) * weights).sum() / total)

    assert actual == pytest.approx(mean(logits))
    direction = rng.normal(size=shape)
    expected = (mean(logits + 1e-6 * direction) - mean(logits - 1e-6 * direction)) / 2e-6
    assert (slope * direction).sum() == pytest.approx(expected, rel=1e-6, abs=1e-8)


def targets_of(loss: str) -> Array:
    if loss == "cross_entropy":
        return RNG.integers(0, 3, 30)
    has_classes = LOSSES[loss].has_accuracy
    return RNG.integers(0, 2, (30, 3)).astype(float) if has_classes else RNG.normal(size=(30, 3))


@pytest.mark.parametrize("loss", SINGLE)
def test_a_weight_of_two_is_a_second_copy_and_a_weight_of_zero_none(loss: str) -> None:
    targets = targets_of(loss)
    network = Network((4,), (Dense(5, "tanh"), Dense(3, ENDS[LOSSES[loss].output_activation])))
    training = Training(loss, Sgd(0.1), 6, batch_size=None, dtype="float64")
    others = INPUTS + 1.0
    weighted = Run(network, training, Data(INPUTS, targets, others, targets, COPIES, COPIES))
    repeated = Run(
        network, training, Data(INPUTS[ROWS], targets[ROWS], others[ROWS], targets[ROWS])
    )
    initial = [
        initial_losses(network, loss, run.data, run.weights()) for run in (weighted, repeated)
    ]
    assert initial[0].train == pytest.approx(initial[1].train, rel=1e-12)
    assert initial[0].validation == pytest.approx(initial[1].validation, rel=1e-12)
    actual, expected = finish(weighted).columns, finish(repeated).columns
    for name in ("train_loss", "validation_loss", "gradient_norm"):
        np.testing.assert_allclose(actual[name], expected[name], rtol=1e-10, err_msg=name)
    for name, array in repeated.weights().items():
        np.testing.assert_allclose(weighted.weights()[name], array, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("loss", SINGLE)
def test_baselines_are_those_of_repeated_samples(loss: str) -> None:
    targets = targets_of(loss)
    network = Network((4,), (Dense(3, ENDS[LOSSES[loss].output_activation]),))
    actual = baselines(network, loss, Data(INPUTS, targets, INPUTS, targets, COPIES, COPIES))
    repeated = Data(INPUTS[ROWS], targets[ROWS], INPUTS[ROWS], targets[ROWS])
    expected = baselines(network, loss, repeated)
    assert actual.constant.train == pytest.approx(expected.constant.train, rel=1e-9)
    assert actual.constant.validation == pytest.approx(expected.constant.validation, rel=1e-9)
    # The ridge of the linear model, and the scale of its inputs, are of the samples as they are.
    assert actual.linear is not None
    assert expected.linear is not None
    tolerance = 0.06 if loss == "perceptron" else 0.02  # which counts errors
    assert actual.linear.train == pytest.approx(expected.linear.train, rel=tolerance)


def test_accuracies_count_every_sample_alike() -> None:
    labels = RNG.integers(0, 2, (30, 1)).astype(float)
    network = Network((4,), (Dense(1, "sigmoid"),))
    training = Training("binary_cross_entropy", Sgd(0.0), 1, batch_size=None)
    plain, weighted = (
        finish(Run(network, training, Data(INPUTS, labels, INPUTS, labels, *weights))).columns
        for weights in ((), (COPIES, COPIES))
    )
    assert plain["train_loss"] != weighted["train_loss"]
    for name in ("train_accuracy", "validation_accuracy"):
        np.testing.assert_array_equal(plain[name], weighted[name])


@pytest.mark.parametrize("weight", [1.0, 0.1, 1e300])
@pytest.mark.parametrize("name", ["l2", "loss binary_cross_entropy", "tokens, learned"])
def test_equal_weights_change_no_bit(name: str, weight: float) -> None:
    case = CASES[name]
    samples = len(case.inputs)
    runs = [
        Run(case.network, case.training, Data(case.inputs, case.targets, train_sample_weights=w))
        for w in (None, np.full(samples, weight))
    ]
    plain, weighted = map(finish, runs)
    for column, numbers in plain.columns.items():
        np.testing.assert_array_equal(weighted.columns[column], numbers)
    for array, other in zip(*(run.weights().values() for run in runs), strict=True):
        np.testing.assert_array_equal(array, other)


def test_only_ratios_of_weights_matter() -> None:
    weights = RNG.random(30)
    labels = RNG.integers(0, 3, 30)
    network = Network((4,), (Dense(3, "softmax"),))
    training = Training("cross_entropy", Adam(0.1), 5, batch_size=8)
    first, second = (
        finish(Run(network, training, Data(INPUTS, labels, train_sample_weights=w))).columns
        for w in (weights, 2.0**70 * weights)
    )
    np.testing.assert_array_equal(first["train_loss"], second["train_loss"])


def test_the_weight_of_a_sequence_is_that_of_all_its_positions() -> None:
    network = Network((5, 2), (Rnn(3, return_sequences=True), Dense(3, "softmax")))
    inputs, labels = RNG.normal(size=(30, 5, 2)), RNG.integers(-1, 3, (30, 5))
    training = Training(CrossEntropy(ignore_label=-1), Adam(0.05), 4, batch_size=7)
    weights = RNG.random(30)
    first, second = (
        finish(Run(network, training, Data(inputs, labels, train_sample_weights=w))).columns
        for w in (weights, np.repeat(weights, 5).reshape(30, 5))
    )
    np.testing.assert_array_equal(first["train_loss"], second["train_loss"])


@pytest.mark.parametrize("seeds", [(0, 0), (0, 1)], ids=["one seed", "own seeds"])
@pytest.mark.parametrize("batch_size", [None, 7])
@pytest.mark.parametrize("augmentation", [(), (Noise(0.3),)], ids=["plain", "augmented"])
def test_members_of_a_sweep_have_the_weights_of_their_samples(
    batch_size: int | None, seeds: tuple[int, int], augmentation: tuple[Any, ...]
) -> None:
    labels = RNG.integers(0, 3, 40)
    inputs = RNG.normal(size=(40, 3))
    weights = RNG.random(40)
    data = Data(inputs[:30], labels[:30], inputs[30:], labels[30:], weights[:30], weights[30:])
    network = Network((3,), (Dense(5, "tanh"), Dropout(0.2), Dense(3, "softmax")))
    options = {"batch_size": batch_size, "augmentation": augmentation}
    trainings = [
        replace(training, seed=seed)
        for training, seed in zip(rates([Sgd(0.1), Sgd(0.2)], **options), seeds, strict=True)
    ]
    assert_members_are_runs(network, trainings, data)


def test_a_run_that_is_continued_has_the_weights_of_its_samples() -> None:
    labels = RNG.integers(0, 3, 30)
    network = Network((4,), (Dense(3, "softmax"),))
    training = Training("cross_entropy", Adam(0.1), 6, batch_size=8)
    data = Data(INPUTS, labels, train_sample_weights=RNG.random(30))
    whole = Run(network, training, data)
    finish(whole)
    first = Run(network, training, data)
    for epoch in first:
        if epoch == 3:
            break
    second = Run(network, training, data, first.state())
    finish(second)
    for name, array in whole.weights().items():
        np.testing.assert_array_equal(second.weights()[name], array)


@pytest.mark.parametrize(
    ("weights", "what"),
    [
        (np.ones(29), r"train_sample_weights need the shape \(30,\) or \(30,\), not \(29,\)"),
        (np.full(30, np.nan), "train_sample_weights must be finite numbers of at least 0"),
        (np.r_[-1.0, np.ones(29)], "at least 0"),
        (np.zeros(30), "not all 0"),
    ],
)
def test_weights_that_cannot_be_used_are_refused(weights: Array, what: str) -> None:
    network = Network((4,), (Dense(1),))
    data = Data(INPUTS, INPUTS[:, :1], train_sample_weights=weights)
    with pytest.raises(ValueError, match=what):
        Run(network, Training("mse", Sgd(0.1), 1), data)


def test_scaled_weights_have_a_mean_of_one_over_the_predictions_that_count() -> None:
    actual = scaled_weights(np.array([1.0, 2.0, 3.0]), np.array([1.0, 0.0, 1.0]))
    assert actual is not None
    np.testing.assert_allclose(actual, [0.5, 0.0, 1.5])
    assert scaled_weights(np.array([2.0, 5.0, 2.0]), np.array([1.0, 0.0, 1.0])) is None
    huge = scaled_weights(np.array([1e308, 0.5e308, 1e308, 1e308]), None)
    assert huge is not None
    np.testing.assert_allclose(huge, np.array([1.0, 0.5, 1.0, 1.0]) / 0.875)


@pytest.mark.parametrize(
    ("loss", "targets"),
    [
        ("binary_cross_entropy", np.array([[0.0]] * 6 + [[1.0]] * 2)),
        ("hinge", np.array([[0.0]] * 6 + [[1.0]] * 2)),
        ("cross_entropy", np.array([0] * 6 + [1] * 2)),
        ("cross_entropy", np.eye(2)[[0] * 6 + [1] * 2]),
    ],
)
def test_balanced_classes_count_alike(loss: str, targets: Array) -> None:
    weights = balanced_class_weights(LOSSES[loss], targets, 2)
    np.testing.assert_allclose(weights, [8 / (2 * 6), 8 / (2 * 2)])
    of_rows = weights_by_class(LOSSES[loss], targets, weights)
    np.testing.assert_allclose(of_rows, [2 / 3] * 6 + [2.0] * 2)
    assert of_rows[:6].sum() == pytest.approx(of_rows[6:].sum())


def test_a_class_without_samples_takes_no_part_in_the_balance() -> None:
    weights = balanced_class_weights(CrossEntropy(), np.array([0, 0, 0, 2]), 3)
    np.testing.assert_allclose(weights, [4 / (2 * 3), 4 / 2, 4 / 2])


def test_positions_that_do_not_count_have_no_class() -> None:
    loss = CrossEntropy(ignore_label=-1)
    labels = np.array([[0, 0, -1], [1, 0, -1]], np.int32)
    weights = balanced_class_weights(loss, labels, 2)
    np.testing.assert_allclose(weights, [4 / (2 * 3), 4 / 2])
    np.testing.assert_allclose(
        weights_by_class(loss, labels, weights), [[2 / 3, 2 / 3, 0], [2, 2 / 3, 0]]
    )


def test_a_target_of_probabilities_has_their_mean_of_the_class_weights() -> None:
    of_rows = weights_by_class(CrossEntropy(), np.array([[0.25, 0.75]]), np.array([4.0, 8.0]))
    np.testing.assert_allclose(of_rows, [7.0])
    of_rows = weights_by_class(LOSSES["focal"], np.array([[0.75]]), np.array([4.0, 8.0]))
    np.testing.assert_allclose(of_rows, [7.0])


@pytest.mark.parametrize(("loss", "outputs"), [("mse", 1), ("binary_cross_entropy", 2)])
def test_predictions_without_one_class_have_no_class_weights(loss: str, outputs: int) -> None:
    with pytest.raises(ValueError, match=f"one class for each prediction of {loss}"):
        weights_by_class(LOSSES[loss], np.ones((3, outputs)), np.array([1.0, 2.0]))
