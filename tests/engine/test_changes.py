"""A run that continues with other settings: some parts stay, others start again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from epochal_engine import (
    OPTIMIZERS,
    Adam,
    BatchNorm,
    Data,
    Dense,
    Diffuse,
    Dropout,
    Momentum,
    Network,
    Noise,
    ReduceOnPlateau,
    Run,
    Sgd,
    Step,
    Training,
)
from epochal_engine.symbolic.trace import Array
from epochal_engine.training.blocks import join

RNG = np.random.default_rng(3)
INPUTS = RNG.normal(size=(40, 2))
TARGETS = (np.hypot(*INPUTS.T) > 1).astype(float)[:, None]
DATA = Data(INPUTS[:30], TARGETS[:30], INPUTS[30:], TARGETS[30:])
TRAINING = Training("binary_cross_entropy", Adam(0.01), epochs=12, batch_size=8, dtype="float64")


def network(activation: str = "tanh", rate: float = 0.2, frozen: tuple[str, ...] = ()) -> Network:
    layers = (
        Dense(6, activation),
        Dropout(rate),
        Dense(5, "tanh"),
        Dense(1, "sigmoid"),
    )
    return Network((2,), layers, frozen=frozen)


def at(run: Run, epoch: int) -> Run:
    """Return the run after that epoch."""
    for reached in run:
        if reached == epoch and run.at_boundary:
            return run
    raise AssertionError("the run has ended")


def steered(run: Run, network: Network, training: Training, data: Data = DATA) -> Run:
    return Run(network, training, data, run.state_for(network, training))


def losses(run: Run) -> Array:
    for _ in run:
        pass
    return join(run.take()).columns["train_loss"]


def same(first: Run, second: Run) -> bool:
    ours, theirs = first.weights(), second.weights()
    return all(np.array_equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.parametrize("type", sorted(OPTIMIZERS.keys() - {"perceptron"}))
@pytest.mark.parametrize("epoch", [1, 7])
def test_nothing_changed_is_the_same_run(type: str, epoch: int) -> None:
    training = replace(TRAINING, optimizer=OPTIMIZERS[type](0.01), dtype="float32")
    whole = Run(network(), training, DATA)
    expected = losses(whole)
    changed = steered(at(Run(network(), training, DATA), epoch), network(), training)
    np.testing.assert_array_equal(losses(changed), expected[epoch:])
    assert same(changed, whole)


WITHIN: dict[str, tuple[Network, Training]] = {
    "shuffled": (network(), TRAINING),
    "in order": (network(), replace(TRAINING, shuffle=False)),
    "augmented": (
        Network((2,), (Dense(6, "tanh"), BatchNorm(), Dropout(0.2), Dense(1, "sigmoid"))),
        replace(TRAINING, dtype="float32", augmentation=(Noise(0.1),)),
    ),
    "denoised": (
        Network((2,), (Dense(6, "tanh"), Dense(1, "linear"))),
        replace(TRAINING, loss="mse", corruption=Diffuse()),
    ),
}


@pytest.mark.parametrize("name", WITHIN)
@pytest.mark.parametrize("type", ["adam", "momentum"])
@pytest.mark.parametrize("epoch", [0, 5])
def test_nothing_changed_within_an_epoch_is_the_same_run(type: str, name: str, epoch: int) -> None:
    model, training = WITHIN[name]
    training = replace(training, optimizer=OPTIMIZERS[type](0.01))
    whole = Run(model, training, DATA)
    expected = losses(whole)
    for step in (1, 2, 3):
        run = Run(model, training, DATA, pause=step)
        for reached in run:
            if (reached, run.at_boundary, run.step) == (epoch, False, step):
                break
        blocks, rest = run.take(), steered(run, model, training)
        assert not rest.at_boundary
        again = steered(rest, model, training)  # before its first step
        assert [rest.has_step for rest in (run, rest, again)] == [True] * 3
        assert [*again][-1] == epoch + 1 == again.last_epoch
        assert again.outcome is None
        blocks += again.take()
        last = Run(model, training, DATA, again.state())
        parts = [block.columns["train_loss"] for block in blocks]
        np.testing.assert_array_equal(np.concatenate([*parts, losses(last)]), expected)
        assert same(last, whole)


def test_a_divergence_in_the_rest_of_an_epoch_leaves_the_weights_before_the_epoch() -> None:
    training = replace(TRAINING, dtype="float32")
    run = Run(network(), training, DATA, pause=2)
    for reached in run:
        if reached == 3 and not run.at_boundary:
            break
    before = run.weights()
    rest = steered(run, network("relu"), replace(training, optimizer=Sgd(1e38)))
    for _ in rest:
        pass
    assert rest.outcome is not None
    assert rest.outcome.stop_reason == "diverged"
    for name, array in rest.weights().items():
        np.testing.assert_array_equal(array, before[name])


def test_a_run_that_ends_an_epoch_has_no_step_to_change_at() -> None:
    run = Run(network(), TRAINING, DATA, pause=4)
    next(iter(run))
    assert not run.has_step
    with pytest.raises(RuntimeError, match="in the middle of an epoch"):
        run.state_for(network(), TRAINING)


CHANGES: dict[str, Any] = {
    "rate": {"optimizer": Adam(0.003)},
    "decay rate": {"optimizer": Adam(0.01, beta_1=0.5)},
    "optimizer": {"optimizer": Momentum(0.05)},
    "batch": {"batch_size": 15},
    "l2": {"l2": 0.1},
    "clipping": {"clip_norm": 0.01},
    "schedule": {"schedule": Step(2)},
    "epochs": {"epochs": 20},
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_has_an_effect_and_repeats_to_the_bit(name: str) -> None:
    training = replace(TRAINING, **CHANGES[name])
    results = []
    for _ in range(2):
        changed = steered(at(Run(network(), TRAINING, DATA), 5), network(), training)
        results.append((losses(changed), changed))
    (first, run), (second, again) = results
    np.testing.assert_array_equal(first, second)
    assert same(run, again)
    assert len(first) == training.epochs - 5
    whole = Run(network(), TRAINING, DATA)
    assert not np.array_equal(first[:7], losses(whole)[5:]) or name == "epochs"


@pytest.mark.parametrize(
    "other", [network(activation="relu"), network(rate=0.0), network(frozen=("dense_1",))]
)
def test_a_layer_changes_and_the_weights_stay(other: Network) -> None:
    run = at(Run(network(), TRAINING, DATA), 5)
    before = run.weights()
    changed = steered(run, other, TRAINING)
    for name, array in changed.weights().items():
        np.testing.assert_array_equal(array, before[name])
    losses(changed)
    frozen = {name for name in before if np.array_equal(changed.weights()[name], before[name])}
    assert frozen == {name for name in before if other.is_frozen(name)}


def steps_by_hand(first: Adam, second: Adam, weights: Array, epochs: int, change: int) -> Array:
    """Adam as its paper has it, on a linear model with the mean squared error in one batch."""
    w, b = weights[:2].copy(), weights[2]
    m, v = np.zeros(3), np.zeros(3)
    for t in range(1, epochs + 1):
        adam = first if t <= change else second
        error = INPUTS @ w + b - TARGETS[:, 0]
        g = 2 * np.append(INPUTS.T @ error, error.sum()) / len(error)
        m = adam.beta_1 * m + (1 - adam.beta_1) * g
        v = adam.beta_2 * v + (1 - adam.beta_2) * g**2
        m_hat, v_hat = m / (1 - adam.beta_1**t), v / (1 - adam.beta_2**t)
        step = adam.learning_rate * m_hat / (np.sqrt(v_hat) + adam.epsilon)
        w, b = w - step[:2], b - step[2]
    return np.append(w, b)


@pytest.mark.parametrize("second", [Adam(0.2), Adam(0.05, 0.5, 0.9), Adam(0.05, epsilon=0.1)])
def test_adam_keeps_the_meaning_of_its_moments(second: Adam) -> None:
    linear = Network((2,), (Dense(1),))
    training = Training("mse", Adam(0.05), epochs=20, dtype="float64")
    data = Data(INPUTS, TARGETS)
    run = at(Run(linear, training, data), 9)
    start = Run(linear, training, data).weights()
    changed = steered(run, linear, replace(training, optimizer=second), data)
    losses(changed)
    weights = np.append(start["dense_1.weight"], start["dense_1.bias"])
    expected = steps_by_hand(Adam(0.05), second, weights, 20, 9)
    result = changed.weights()
    actual = np.append(result["dense_1.weight"], result["dense_1.bias"])
    np.testing.assert_allclose(actual, expected, rtol=1e-11)


def test_another_optimizer_starts_without_moments() -> None:
    run = at(Run(network(), replace(TRAINING, optimizer=Sgd(0.1)), DATA), 6)
    changed = steered(run, network(), TRAINING)
    assert not changed.state().arrays["moments"].any()
    assert changed.state().values["steps"] == 0
    for _ in changed:
        pass
    assert changed.state().values["steps"] == 6 * 4


def test_steps_count_batches_of_each_size() -> None:
    run = at(Run(network(), TRAINING, DATA), 5)
    changed = at(steered(run, network(), replace(TRAINING, batch_size=15)), 8)
    assert changed.state().values["steps"] == 5 * 4 + 3 * 2


def test_a_changed_run_continues_from_its_state() -> None:
    slow = replace(TRAINING, optimizer=Adam(0.003), batch_size=15)
    changed = steered(at(Run(network(), TRAINING, DATA), 5), network(), slow)
    state = at(changed, 8).state()
    resumed = Run(network(), slow, DATA, state)
    np.testing.assert_array_equal(losses(resumed), losses(changed)[3:])
    assert same(resumed, changed)


def test_a_new_rate_forgets_the_plateaus() -> None:
    plateau = ReduceOnPlateau(0.5, 1)
    training = replace(TRAINING, optimizer=Sgd(1e-9), schedule=plateau)
    run = at(Run(network(), training, DATA), 8)
    assert join(run.take()).columns["learning_rate"][-1] < 1e-9
    changed = steered(run, network(), replace(training, optimizer=Sgd(1e-3)))
    at(changed, 9)
    assert join(changed.take()).columns["learning_rate"].tolist() == [1e-3]


def test_a_run_that_has_ended_cannot_be_changed() -> None:
    run = Run(network(), TRAINING, DATA)
    losses(run)
    with pytest.raises(RuntimeError, match="has ended"):
        run.state_for(network(), TRAINING)


def test_other_parameters_are_refused() -> None:
    run = at(Run(network(), TRAINING, DATA), 2)
    wider = Network((2,), (Dense(7), *network().layers[1:]))
    with pytest.raises(ValueError, match="names and shapes"):
        run.state_for(wider, TRAINING)
