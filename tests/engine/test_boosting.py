"""Boosted trees: an exhaustive search finds the same splits, and baselines have them."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from epochal_engine import Data, Dense, Embedding, GlobalAveragePool, Network, baselines
from epochal_engine.insight import boosting

Array = NDArray[Any]
RNG = np.random.default_rng(3)


def exhaustive(inputs: Array, gradients: Array, hessians: Array, depth: int) -> Array:
    """Return the outputs of a tree with the best splits of all."""
    total = boosting._gain(gradients.sum(), hessians.sum())
    best, split = total + 1e-9, None
    for column in inputs.T if depth else []:
        for border in np.unique(column):
            left = column <= border
            sides = [(gradients[rows].sum(), hessians[rows].sum()) for rows in (left, ~left)]
            gain = boosting._gain(*sides[0]) + boosting._gain(*sides[1])
            if gain > best and min(hessian for _, hessian in sides) >= boosting.MIN_HESSIAN:
                best, split = gain, left
    if split is None:
        return np.full(len(inputs), -gradients.sum() / (hessians.sum() + boosting.RIDGE))
    out = np.empty(len(inputs))
    for rows in (split, ~split):
        out[rows] = exhaustive(inputs[rows], gradients[rows], hessians[rows], depth - 1)
    return out


def test_the_trees_of_all_outputs_are_those_of_an_exhaustive_search() -> None:
    inputs = RNG.integers(0, 30, (80, 3)).astype(float)
    gradients, hessians = RNG.normal(size=(80, 2)), RNG.uniform(0.1, 1, (80, 2))
    bins = boosting._bins(inputs, inputs)
    fitted = boosting._trees(bins, np.arange(80), np.array([2, 0, 1]), gradients, hessians)
    for output in range(2):
        expected = exhaustive(inputs, gradients[:, output], hessians[:, output], boosting.DEPTH)
        np.testing.assert_allclose(fitted[:, output], expected, rtol=1e-9)


def test_bins_have_about_as_many_values_each_and_new_values_are_in_the_nearest() -> None:
    bins = boosting._bins(np.arange(320.0)[:, None], np.array([[-5.0], [0], [160], [319], [999]]))
    assert bins.ravel().tolist() == [0, 0, 16, 31, 31]
    skewed = np.array([[0.0]] * 900 + [[1]] * 50 + [[2]] * 50)
    assert np.unique(boosting._bins(skewed, skewed)).tolist() == [0, 1, 2]


def data(targets: Array, inputs: Array) -> Data:
    return Data(inputs[100:], targets[100:], inputs[:100], targets[:100])


INPUTS = RNG.uniform(-1, 1, (600, 4)).astype(np.float32)
STEPS = np.sign(INPUTS[:, :1]) * np.sign(INPUTS[:, 1:2])


@pytest.mark.parametrize(
    ("loss", "activation", "targets"),
    [
        ("mse", "linear", np.hstack([STEPS, -STEPS])),
        ("binary_cross_entropy", "sigmoid", (STEPS + 1) / 2),
        ("cross_entropy", "softmax", ((STEPS[:, 0] + 1) / 2 + (INPUTS[:, 2] > 0)).astype(int)),
    ],
)
def test_boosted_trees_learn_steps_that_a_linear_model_cannot(
    loss: str, activation: str, targets: Array
) -> None:
    outputs = 3 if targets.ndim == 1 else targets.shape[1]
    network = Network((4,), (Dense(outputs, activation),))
    reply = baselines(network, loss, data(targets, INPUTS), boosted=True)
    assert reply.boosted is not None
    assert reply.boosted.validation is not None
    assert reply.linear is not None
    assert reply.linear.validation is not None
    assert reply.boosted.validation < 0.4 * reply.linear.validation
    assert reply.boosted.train < reply.boosted.validation


def test_samples_without_weight_do_not_count() -> None:
    network = Network((4,), (Dense(1),))
    wrong = STEPS.copy()
    wrong[100:300] += 10
    whole = data(wrong, INPUTS)
    weights = np.where(np.arange(500) < 200, 0.0, 1.0)
    weighted = Data(**vars(whole) | {"train_sample_weights": weights})
    reply = baselines(network, "mse", weighted, boosted=True)
    assert reply.boosted is not None
    assert reply.boosted.validation is not None
    assert reply.boosted.validation < 0.3


def test_there_are_no_trees_without_much_validation_for_tokens_and_for_other_losses() -> None:
    network = Network((4,), (Dense(1),))
    whole = data(STEPS, INPUTS)
    alone = Data(whole.train_inputs, whole.train_targets)
    assert baselines(network, "mse", alone, boosted=True).boosted is None
    few = Data(INPUTS, STEPS, INPUTS[:99], STEPS[:99])
    assert baselines(network, "mse", few, boosted=True).boosted is None
    assert baselines(network, "mae", whole, boosted=True).boosted is None
    assert baselines(network, "mse", whole).boosted is None
    reader = Network((4,), (Embedding(5, 4), GlobalAveragePool(), Dense(1)))
    tokens = data(STEPS, RNG.integers(0, 5, (600, 4)).astype(np.float64))
    assert baselines(reader, "mse", tokens, boosted=True).boosted is None


def test_there_are_no_trees_where_they_take_too_long() -> None:
    network = Network((4,), (Dense(400, "softmax"),))
    labels = np.arange(600) % 400
    assert baselines(network, "cross_entropy", data(labels, INPUTS), boosted=True).boosted is None
