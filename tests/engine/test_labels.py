"""Labels of curves that are small enough to judge by eye, and of runs with known bands."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest

from epochal_engine import (
    Adam,
    Data,
    Dense,
    Network,
    Optimizer,
    Run,
    Sgd,
    Training,
    baselines,
    best_final_loss,
    initial_losses,
    label,
    split,
)
from epochal_engine.data.generators import circles
from epochal_service.datasets import load


def test_a_loss_that_came_down_to_a_quarter_is_good_even_if_it_still_falls() -> None:
    actual = label([1.0, 0.5, 0.3, 0.2])
    assert (actual.name, actual.final_loss_ratio, actual.increase_decrease_ratio) == (
        "good",
        0.2,
        0.0,
    )
    assert actual.late_decrease_fraction == pytest.approx(0.1 / 0.8)


def test_a_loss_that_settled_above_a_quarter_is_good() -> None:
    assert label([1.0, 0.5, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4]).name == "good"


def test_a_loss_that_falls_in_a_straight_line_is_slow() -> None:
    assert label([1.0, 0.9, 0.8, 0.7]).name == "slow"


def test_a_loss_that_fell_by_less_than_a_twentieth_says_that_the_rate_is_too_low() -> None:
    assert label([1.0, 0.99, 0.98, 0.96]).name == "too_low"
    assert label([1.0, 0.99, 0.98, 0.94]).name == "slow"


def test_a_flat_loss_and_a_single_epoch_say_that_the_rate_is_too_low() -> None:
    assert label([0.7, 0.7, 0.7]).name == "too_low"
    assert label([0.7]).name == "too_low"


def test_a_loss_that_begins_at_zero_changed_hardly_or_diverged() -> None:
    actual = label([0.0, 0.0, 0.0], initial=0.0, constant=0.0)
    assert actual.name == "too_low"
    assert math.isnan(actual.final_loss_ratio)
    assert math.isnan(actual.loss_range_ratio)
    actual = label([0.0, 0.0, 1.0, 2.0], initial=0.0, constant=0.0)
    assert (actual.name, actual.final_loss_ratio) == ("diverged", math.inf)


def test_a_loss_that_rises_as_often_as_it_falls_oscillates() -> None:
    actual = label([1.0, 0.6, 0.9, 0.6, 0.9, 0.6, 0.9, 0.6])
    assert actual.name == "oscillating"
    assert actual.increase_decrease_ratio == pytest.approx(0.9 / 1.3)


def test_small_ups_and_downs_around_the_first_loss_are_noise_and_the_rate_is_too_low() -> None:
    actual = label([1.0, 1.05, 0.95, 1.05, 0.95, 1.05, 0.95, 1.05])
    assert actual.name == "too_low"
    assert actual.loss_range_ratio == pytest.approx(0.1)


@pytest.mark.parametrize("last", [1.2, math.nan, math.inf])
def test_a_loss_that_ends_above_its_beginning_or_nowhere_diverged(last: float) -> None:
    assert label([1.0, 1.1, last]).name == "diverged"


def test_a_run_that_was_stopped_as_diverged_is_labeled_diverged_whatever_its_curve() -> None:
    assert label([1.0, 0.1], diverged=True).name == "diverged"


def test_a_curve_without_epochs_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one epoch"):
        label([])


def test_a_first_epoch_that_ruined_the_network_is_not_the_beginning() -> None:
    """Adam at rate 100 on Iris: 1.3 before the first step, then 40,000, and never 1.3 again."""
    curve = [40_000.0, 900.0, 30.0, 8.0, 4.0, 3.0, 3.0, 3.0]
    assert label(curve).name == "good"
    actual = label(curve, initial=1.3)
    assert actual.name == "diverged"
    assert actual.final_loss_ratio == pytest.approx(3.0 / 1.3)


def test_dropout_raises_the_loss_of_the_first_epoch_and_is_no_overshoot() -> None:
    curve = [0.8, 0.81, 0.79, 0.8, 0.8, 0.79, 0.8, 0.8]
    assert label(curve, initial=0.7).name == "too_low"


def test_a_network_that_learned_a_constant_is_not_good() -> None:
    # From 6 to the entropy of three classes, where it stays.
    curve = [6.0, 3.0, 1.2, 1.1, 1.1, 1.1, 1.1, 1.1]
    assert label(curve, initial=6.2).name == "good"
    actual = label(curve, initial=6.2, constant=1.0986)
    assert actual.name == "slow"
    assert actual.constant_loss_ratio == pytest.approx(1.1 / 1.0986)


def test_a_decrease_down_to_the_constant_does_not_count_as_early() -> None:
    curve = [60.0, 20.0, 5.0, 1.3, 1.0, 0.95, 0.9, 0.85]
    assert label(curve).late_decrease_fraction == pytest.approx(0.15 / 59.15)
    actual = label(curve, constant=1.1)
    assert actual.late_decrease_fraction == pytest.approx(0.15 / 0.25)
    assert actual.name == "slow"


def test_a_rate_that_is_far_from_the_best_is_not_good() -> None:
    curve = [1.0, 0.6, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5]
    assert label(curve, best=0.45).name == "good"
    actual = label(curve, best=0.1)
    assert actual.name == "slow"
    assert actual.missing_decrease_fraction == pytest.approx(0.4 / 0.9)


def test_the_best_run_is_the_lowest_that_did_not_diverge() -> None:
    runs = [([3.0, 2.0], False), ([3.0, 0.1], True), ([3.0, math.nan], False), ([3.0, 2.5], False)]
    assert best_final_loss(runs) == 2.0
    assert best_final_loss([([3.0, 0.1], True)]) is None


IRIS = load("iris")


@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize(
    ("rate", "names"),
    [
        (1e-5, {"too_low", "slow"}),
        (1e-4, {"too_low", "slow"}),
        (0.01, {"good"}),
        (0.1, {"good"}),
        (10.0, {"oscillating", "diverged"}),
        (100.0, {"diverged"}),
    ],
)
def test_adam_on_iris_is_good_only_where_it_learns(
    rate: float, names: set[str], activation: str, scaled: bool
) -> None:
    inputs = IRIS.inputs
    if scaled:
        inputs = (inputs - inputs.mean(0)) / inputs.std(0)
    network = Network((4,), (Dense(8, activation), Dense(3, "softmax")))
    data = split(inputs, IRIS.targets, 0.2, rng=np.random.default_rng(0))
    training = Training("cross_entropy", Adam(rate), 100, 16, gradients_every=0)
    run = Run(network, training, data)
    initial = initial_losses(network, "cross_entropy", run.data, run.weights()).train
    constant = baselines(network, "cross_entropy", run.data).constant.train
    for _ in run:
        pass
    losses = np.concatenate([block.columns["train_loss"] for block in run.take()])
    assert run.outcome is not None
    diverged = run.outcome.stop_reason == "diverged"
    assert label(losses, diverged=diverged, initial=initial, constant=constant).name in names


INPUTS, LABELS = circles(samples=200, noise=0.05, rng=np.random.default_rng(0))
CIRCLES = Data(INPUTS, LABELS[:, None].astype(float))
NETWORK = Network((2,), (Dense(8, "tanh"), Dense(8, "tanh"), Dense(1, "sigmoid")))


def usual_label(optimizer: Optimizer, epochs: int, batch_size: int | None) -> str:
    """The label of most of three seeds."""
    names = []
    for seed in range(3):
        training = Training(
            "binary_cross_entropy",
            optimizer,
            epochs,
            batch_size,
            seed=seed,
            gradients_every=0,
        )
        run = Run(NETWORK, training, CIRCLES)
        for _ in run:
            pass
        assert run.outcome is not None
        losses = np.concatenate([block.columns["train_loss"] for block in run.take()])
        diverged = run.outcome.stop_reason == "diverged"
        names.append(label(losses, diverged=diverged).name)
    return Counter(names).most_common(1)[0][0]


@pytest.mark.parametrize(
    ("rate", "name"),
    [
        (0.0001, "too_low"),
        (0.0006, "slow"),
        (0.0013, "good"),
        (0.01, "good"),
        (0.7, "good"),
        (2.0, "oscillating"),
        (10.0, "diverged"),
    ],
)
def test_adam_on_two_circles_is_good_from_a_thousandth_to_seven_tenths(
    rate: float, name: str
) -> None:
    assert usual_label(Adam(rate), epochs=500, batch_size=None) == name


@pytest.mark.parametrize(
    ("rate", "name"),
    [(0.001, "too_low"), (0.01, "slow"), (0.02, "slow"), (0.05, "good"), (1.0, "good")],
)
def test_where_adam_is_good_plain_gradient_descent_is_slow(rate: float, name: str) -> None:
    assert usual_label(Sgd(rate), epochs=100, batch_size=10) == name


def test_gradient_descent_with_a_rate_of_twenty_diverged_within_a_few_epochs() -> None:
    assert usual_label(Sgd(20.0), epochs=100, batch_size=None) == "diverged"
