"""A run ends early for the stated reason, at the stated epoch."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from tests.material import XOR_DATA as XOR

from epochal_engine import (
    Adam,
    Data,
    Dense,
    EarlyStopping,
    Network,
    ReduceOnPlateau,
    Run,
    Sgd,
    Target,
    Training,
)
from epochal_engine.optimize.stopping import Progress, epochs_at_one_rate, follow
from epochal_engine.symbolic.trace import Array
from epochal_engine.training.blocks import Block, join

NETWORK = Network((2,), (Dense(4, "tanh"), Dense(1, "sigmoid")))
TRAINING = Training("binary_cross_entropy", Adam(0.05), epochs=2_000)


def finish(run: Run) -> Block:
    for _ in run:
        pass
    return join(run.take())


def reason(run: Run) -> str:
    assert run.outcome is not None
    return run.outcome.stop_reason


def stops_at(
    losses: list[float], rule: EarlyStopping | None, target: Target | None = None
) -> list[Progress]:
    """The rules' memory after each of these losses."""
    columns = {"train_loss": np.array(losses), "train_accuracy": 1.0 - np.array(losses)}
    columns["train_exact_match"] = columns["train_accuracy"]
    return follow(Progress(), columns, np.full(len(losses), True), rule, target)


def test_early_stopping_waits_for_patience_epochs_without_progress() -> None:
    followed = stops_at([0.9, 0.5, 0.6, 0.4, 0.4, 0.5, 0.45, 0.3], EarlyStopping(patience=3))
    assert [p.epochs_without_progress for p in followed] == [0, 0, 1, 0, 1, 2, 3]
    assert [p.best_loss for p in followed] == [0.9, 0.5, 0.5, 0.4, 0.4, 0.4, 0.4]
    assert [p.stop_reason for p in followed] == [None] * 6 + ["early_stopped"]


def test_progress_smaller_than_min_delta_does_not_count() -> None:
    followed = stops_at([0.9, 0.85, 0.81, 0.75], EarlyStopping(patience=2, min_delta=0.1))
    # 0.85 and 0.81 are less than 0.1 below 0.9.
    assert [p.epochs_without_progress for p in followed] == [0, 1, 2]
    assert followed[-1].stop_reason == "early_stopped"


def test_what_is_remembered_carries_over_from_one_batch_of_epochs_to_the_next() -> None:
    losses = [0.9, 0.5, 0.6, 0.4, 0.4, 0.5, 0.45, 0.3]
    rule = EarlyStopping(patience=3)
    progress = Progress()
    for loss in losses[:7]:
        column = {"train_loss": np.array([loss])}
        (progress,) = follow(progress, column, np.array([True]), rule, None)
    assert progress == stops_at(losses, rule)[-1]


@pytest.mark.parametrize(
    ("target", "epochs"),
    [
        (Target("train_loss", 0.5), 2),
        (Target("train_accuracy", 0.6), 3),
        (Target("train_exact_match", 0.7), 4),
    ],
)
def test_a_target_is_reached_by_a_low_loss_or_a_high_fraction(target: Target, epochs: int) -> None:
    followed = stops_at([0.9, 0.5, 0.4, 0.3], None, target)
    assert [p.stop_reason for p in followed] == [None] * (epochs - 1) + ["target_reached"]


@pytest.mark.parametrize(
    ("losses", "finite", "epochs"),
    [
        ([0.5, 999.0, 1001.0, 0.5], [True] * 4, 3),
        ([3.0, 2_999.0, 3_001.0], [True] * 3, 3),
        ([0.5, math.nan, 0.5], [True] * 3, 2),
        ([math.inf, 0.5], [True] * 2, 1),
        ([0.5, 0.4], [True, False], 2),
    ],
)
def test_a_run_has_diverged_when_something_is_not_finite_or_the_loss_has_grown_a_thousandfold(
    losses: list[float], finite: list[bool], epochs: int
) -> None:
    columns = {"train_loss": np.array(losses)}
    followed = follow(Progress(), columns, np.array(finite), None, None)
    assert [p.stop_reason for p in followed] == [None] * (epochs - 1) + ["diverged"]


def test_divergence_comes_before_every_other_reason() -> None:
    followed = stops_at([0.5, math.nan], EarlyStopping(patience=1), Target("train_loss", math.inf))
    assert followed[0].stop_reason == "target_reached"
    followed = stops_at([math.nan], EarlyStopping(patience=1), Target("train_loss", math.inf))
    assert followed[0].stop_reason == "diverged"


def test_a_run_stops_at_its_target_and_not_before() -> None:
    run = Run(NETWORK, replace(TRAINING, target=Target("train_loss", 0.05)), XOR)
    losses = finish(run).columns["train_loss"]
    assert reason(run) == "target_reached"
    assert losses[-1] <= 0.05
    assert (losses[:-1] > 0.05).all()
    assert run.epoch == len(losses) < 2_000


def test_a_run_stops_when_the_validation_loss_rises() -> None:
    # Noise to memorize, and other noise to be tested on.
    rng = np.random.default_rng(0)

    def noise(samples: int) -> tuple[Array, Array]:
        return rng.normal(size=(samples, 2)), rng.integers(2, size=(samples, 1)).astype(float)

    data = Data(*noise(30), *noise(30))
    rule = EarlyStopping(patience=20)
    network = Network((2,), (Dense(20, "tanh"), Dense(1, "sigmoid")))
    run = Run(network, replace(TRAINING, early_stopping=rule), data)
    columns = finish(run).columns
    assert reason(run) == "early_stopped"
    losses = columns["validation_loss"]
    assert len(losses) - 1 - int(losses.argmin()) == 20
    assert columns["train_loss"][-1] < columns["train_loss"][-20]


def test_the_last_epoch_is_completed_unless_another_reason_falls_on_it() -> None:
    run = Run(NETWORK, replace(TRAINING, epochs=5), XOR)
    losses = finish(run).columns["train_loss"]
    assert reason(run) == "completed"
    on_the_last = Target("train_loss", float(losses[-1]))
    run = Run(NETWORK, replace(TRAINING, epochs=5, target=on_the_last), XOR)
    finish(run)
    assert reason(run) == "target_reached"


def test_the_outcome_is_known_when_the_last_epoch_is_handed_out() -> None:
    run = Run(NETWORK, Training("binary_cross_entropy", Sgd(0.1), epochs=3), XOR)
    assert [(epoch, run.outcome is not None) for epoch in run] == [
        (1, False),
        (2, False),
        (3, True),
    ]


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (lambda: EarlyStopping(0), "patience"),
        (lambda: EarlyStopping(1, -1.0), "min_delta"),
        (lambda: Target("loss", 1.0), "train_loss"),
    ],
)
def test_senseless_rules_are_refused(rule: type, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        rule()


def test_the_rate_is_reduced_after_more_than_patience_epochs_on_a_plateau() -> None:
    schedule = ReduceOnPlateau(factor=0.5, patience=1)
    losses = np.array([1.0, 0.5, 0.5, 0.5, 0.49999, 0.6, 0.4])
    sound = np.full(len(losses), True)
    followed = follow(Progress(), {"train_loss": losses}, sound, None, None, schedule)
    assert [p.plateau_epochs for p in followed] == [0, 0, 1, 0, 1, 0, 0]
    assert [p.rate_factor for p in followed] == [1, 1, 1, 0.5, 0.5, 0.25, 0.25]
    assert [p.plateau_loss for p in followed] == [1.0] + [0.5] * 5 + [0.4]
    assert [epochs_at_one_rate(p, schedule) for p in followed] == [2, 2, 1, 2, 1, 2, 2]


def test_a_plateau_of_the_validation_loss_reduces_the_rate_of_the_next_epoch() -> None:
    schedule = ReduceOnPlateau(factor=0.1, patience=2)
    training = replace(TRAINING, epochs=400, schedule=schedule)
    # One of the four is mislabeled in the validation part: the loss there falls, and then rises.
    mislabeled = np.array([[0.0], [1.0], [0.0], [0.0]])
    samples = Data(XOR.train_inputs, XOR.train_targets, XOR.train_inputs, mislabeled)
    block = finish(Run(NETWORK, training, samples))
    best, waited, rate, expected = math.inf, 0, 0.05, []
    for loss in block.columns["validation_loss"]:
        expected.append(rate)
        if loss < best * (1.0 - 1e-4):
            best, waited = loss, 0
        elif waited < 2:
            waited += 1
        else:
            rate, waited = 0.1 * rate, 0
    assert expected[-1] < 0.05
    np.testing.assert_allclose(block.columns["learning_rate"], expected)
