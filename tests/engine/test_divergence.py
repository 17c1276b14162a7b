"""A run that diverges ends with an explanation, its rows, and the weights from before."""

from __future__ import annotations

import numpy as np
import pytest
from tests.material import XOR_DATA as XOR

from epochal_engine import (
    Adam,
    Data,
    Dense,
    Divergence,
    Dropout,
    Momentum,
    Network,
    Run,
    Sgd,
    Training,
)
from epochal_engine.model.network import parameter_views
from epochal_engine.training.blocks import join
from epochal_engine.training.divergence import explain


def divergence_of(run: Run) -> Divergence:
    for _ in run:
        pass
    assert run.outcome is not None
    assert run.outcome.stop_reason == "diverged"
    assert run.outcome.divergence is not None
    return run.outcome.divergence


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_exclusive_or_at_an_absurd_rate_diverges_for_every_seed(activation: str) -> None:
    network = Network((2,), (Dense(4, activation), Dense(1, "sigmoid")))
    for seed in range(20):
        run = Run(network, Training("binary_cross_entropy", Sgd(1e6), epochs=500, seed=seed), XOR)
        divergence = divergence_of(run)
        assert divergence.epoch == run.epoch < 100
        assert divergence.layer in network.names
        assert divergence.suggestion.startswith("Lower the learning rate from 1e+06 to 0.1")


def exploding() -> Run:
    """A linear network on one sample; each epoch multiplies its error by -7."""
    # Loss (w - 0)², slope 2w: w ← w - rate · 2w, with rate 4: -7w.
    network = Network((1,), (Dense(1, use_bias=False),))
    data = Data(np.ones((1, 1)), np.zeros((1, 1)))
    return Run(network, Training("mse", Sgd(4.0), epochs=500), data)


def test_the_last_row_is_kept_and_the_state_is_the_one_before_it() -> None:
    run = exploding()
    first = float(run.weights()["dense_1.weight"][0, 0])
    divergence = divergence_of(run)
    losses = join(run.take()).columns["train_loss"]
    np.testing.assert_allclose(
        losses, [(first * (-7.0) ** k) ** 2 for k in range(len(losses))], 1e-5
    )
    assert len(losses) == divergence.epoch == run.epoch
    limit = 1_000.0 * max(losses[0], 1.0)
    assert losses[-1] > limit
    assert (losses[:-1] <= limit).all()
    assert run.weights()["dense_1.weight"] == pytest.approx(
        first * (-7.0) ** (divergence.epoch - 1)
    )
    assert run.state().values["epoch"] == divergence.epoch - 1
    assert (divergence.layer, divergence.symptom) == ("dense_1", "loss grew 1000 times")


def test_going_on_from_before_a_divergence_diverges_again() -> None:
    run = exploding()
    divergence = divergence_of(run)
    again = Run(run.network, run.training, run.data, run.state())
    assert again.outcome is None
    assert divergence_of(again) == divergence


def test_a_row_that_is_not_finite_is_kept() -> None:
    # The error grows by the factor 2e30 in one step: the second loss is beyond single precision.
    network = Network((1,), (Dense(1, use_bias=False), Dense(1, use_bias=False)))
    data = Data(np.ones((1, 1)), np.ones((1, 1)))
    run = Run(network, Training("mse", Sgd(1e30), epochs=10), data)
    divergence = divergence_of(run)
    block = join(run.take())
    assert len(block.columns["train_loss"]) == divergence.epoch
    assert not np.isfinite(block.columns["gradient_norm"][-1])
    assert np.isfinite(block.columns["train_loss"][:-1]).all()
    assert divergence.symptom.endswith("became non-finite")
    assert all(np.isfinite(values).all() for values in run.weights().values())
    assert block.gradients is not None
    assert block.gradients.epochs.tolist() == list(range(1, divergence.epoch + 1))


def test_a_validation_loss_that_is_not_finite_is_a_divergence() -> None:
    network = Network((1,), (Dense(1, use_bias=False),))
    data = Data(np.zeros((1, 1)), np.zeros((1, 1)), np.full((1, 1), 3e38), np.full((1, 1), -3e38))
    # Single precision cannot hold the score of the sample that is kept aside: 2 · 3e38.
    training = Training("mse", Sgd(1.0), epochs=5)
    state = Run(network, training, data).state()
    state.arrays["dense_1.weight"].fill(2.0)
    divergence = divergence_of(Run(network, training, data, state))
    assert (divergence.epoch, divergence.symptom) == (1, "loss became non-finite")


NETWORK = Network((2,), (Dense(2, "relu"), Dropout(0.5), Dense(1)))


@pytest.mark.parametrize(
    ("broken", "layer", "symptom"),
    [
        ({"parameters": ("dense_3.bias", np.nan)}, "dense_3", "weights became non-finite"),
        ({"parameters": ("dense_1.weight", np.inf)}, "dense_1", "weights became non-finite"),
        ({"gradient": ("dense_1.bias", np.nan)}, "dense_1", "gradient became non-finite"),
        ({"gradient": ("dense_3.weight", np.inf)}, "dense_3", "gradient became non-finite"),
        ({"parameters": ("dense_1.weight", 3e38)}, "dense_1", "activation became non-finite"),
        ({"step": ("dense_3.weight", 5.0)}, "dense_3", "loss grew 1000 times"),
        ({"step": ("dense_1.weight", 5.0)}, "dense_1", "loss grew 1000 times"),
    ],
)
def test_the_layer_is_the_first_that_broke_or_else_the_one_that_moved_most(
    broken: dict[str, tuple[str, float]], layer: str, symptom: str
) -> None:
    vectors = {name: np.ones(9, np.float32) for name in ("parameters", "gradient", "step")}
    for name, (parameter, value) in broken.items():
        parameter_views(NETWORK, vectors[name])[parameter].fill(value)
    training = Training("mse", Adam(0.05), epochs=10)
    inputs = np.full((3, 2), 10.0)
    divergence = explain(7, NETWORK, training, inputs, **vectors, loss_is_finite=True)
    assert (divergence.epoch, divergence.layer, divergence.symptom) == (7, layer, symptom)


def test_a_loss_that_breaks_while_all_layers_are_sound_is_named() -> None:
    vectors = [np.ones(9, np.float32)] * 3
    training = Training("mse", Sgd(0.05), epochs=10)
    divergence = explain(1, NETWORK, training, np.ones((3, 2)), *vectors, loss_is_finite=False)
    assert divergence.symptom == "loss became non-finite"


@pytest.mark.parametrize(
    ("training", "suggestion"),
    [
        (
            Training("mse", Sgd(5.0), 1),
            "Lower the learning rate from 5 to 0.1, or clip the gradient to a norm of 1.",
        ),
        (
            Training("mse", Momentum(0.02), 1, clip_norm=1.0),
            "Lower the learning rate from 0.02 to 0.002.",
        ),
        (
            Training("mse", Adam(10.0), 1, clip_norm=1.0),
            "Lower the learning rate from 10 to 0.001.",
        ),
    ],
)
def test_the_suggestion_is_a_usual_rate_or_a_tenth(training: Training, suggestion: str) -> None:
    vectors = [np.ones(9, np.float32)] * 3
    divergence = explain(1, NETWORK, training, np.ones((3, 2)), *vectors, loss_is_finite=True)
    assert divergence.suggestion == suggestion
