"""A run with a problem has its finding until the change is made; a healthy run has none."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from epochal_engine import (
    Adam,
    Data,
    Dense,
    EarlyStopping,
    Network,
    Run,
    Sgd,
    Training,
    split,
)
from epochal_engine.blocks import join
from epochal_engine.diagnosis import Finding, diagnose
from epochal_engine.generators import blobs, circles, sine, two_moons
from epochal_engine.trace import Array

RNG = np.random.default_rng


def moons(samples: int = 200) -> Data:
    inputs, labels = two_moons(samples=samples, noise=0.1, rng=RNG(0))
    return Data(inputs, labels[:, None].astype(float))


def findings(
    network: Network, training: Training, data: Data, start: dict[str, Array] | None = None
) -> list[Finding]:
    """Train, and diagnose the result; `start` replaces the initial weights."""
    run = Run(network, training, data)
    if start is not None:
        state = run.state()
        run = Run(network, training, data, replace(state, arrays={**state.arrays, **start}))
    for _ in run:
        pass
    assert run.outcome is not None
    block = join(run.take())
    diverged = run.outcome.stop_reason == "diverged"
    return diagnose(
        network, training, data, run.weights(), block.columns, block.gradients, diverged=diverged
    )


def kinds(problems: Sequence[Finding]) -> list[str]:
    return [finding.kind for finding in problems]


def deep(activation: str, initializer: str | None = None) -> Network:
    hidden = [Dense(16, activation, initializer=initializer) for _ in range(9)]
    return Network((2,), (*hidden, Dense(1, "sigmoid")))


def test_ten_layers_of_sigmoid_lose_the_gradient_and_relu_keeps_it() -> None:
    training = Training("binary_cross_entropy", Adam(0.001), 30, 20)
    problems = findings(deep("sigmoid"), training, moons())
    assert kinds(problems) == ["vanishing_gradients"]
    (finding,) = problems
    assert finding.layer in [f"dense_{k}" for k in range(1, 10)]
    assert finding.evidence["first_layer_gradient_ratio"] < 1e-4
    layers = finding.patch["network"]["layers"]
    assert {layer["activation"] for layer in layers[:-1]} == {"relu"}
    assert layers[-1]["activation"] == "sigmoid"
    cured = findings(deep("relu", "he_normal"), training, moons())
    assert "vanishing_gradients" not in kinds(cured)


def test_a_layer_that_no_gradient_reaches_is_named_and_not_a_later_one() -> None:
    # dense_2 passes on a ten-thousandth of what it gets.
    network = Network((2,), (Dense(4, "tanh"), Dense(4, "tanh"), Dense(4, "tanh"), Dense(1)))
    weights = {"dense_2.weight": np.full((4, 4), 1e-4)}
    problems = findings(network, Training("mse", Sgd(1e-3), 5), moons(), weights)
    vanishing = next(f for f in problems if f.kind == "vanishing_gradients")
    assert vanishing.layer == "dense_1"


def test_steps_that_are_longer_than_the_valley_is_wide_explode_the_gradient() -> None:
    # The loss of one linear neuron is a parabola of curvature 2·mean(x²) = 6.6: steps of rate .4
    # overshoot, and each error is 1.6 times the one before.
    inputs, targets = sine(samples=100, noise=0.0, rng=RNG(0))
    network = Network((1,), (Dense(1),))
    training = Training("mse", Sgd(0.4), 30)
    problems = findings(network, training, Data(inputs, targets))
    exploding = next(f for f in problems if f.kind == "exploding_gradients")
    assert exploding.layer == "dense_1"
    assert exploding.evidence["largest_norm"] > 30.0 * exploding.evidence["first_norm"]
    assert re.fullmatch(r"The gradient norm grew from \S+ to \S+ by epoch \d+\.", exploding.message)
    assert exploding.patch == {"clipping": {"norm": 1.0}}
    clipped = replace(training, clip_norm=1.0)
    assert "exploding_gradients" not in kinds(findings(network, clipped, Data(inputs, targets)))


def test_a_gradient_that_is_no_number_exploded() -> None:
    inputs, targets = sine(samples=100, noise=0.0, rng=RNG(0))
    network = Network((1,), (Dense(32, "relu"), Dense(32, "relu"), Dense(1)))
    problems = findings(network, Training("mse", Sgd(1.0), 10, 10), Data(inputs, 100.0 * targets))
    exploding = next(f for f in problems if f.kind == "exploding_gradients")
    assert re.fullmatch(
        r"The gradient norm (grew from \S+ and )?overflowed in epoch \d+\.",
        exploding.message,
    )


def test_units_that_one_long_step_pushed_below_zero_are_dead() -> None:
    network = Network((2,), (Dense(8, "relu"), Dense(1, "sigmoid")))
    start = {"dense_1.bias": np.array([-50.0] * 4 + [0.0] * 4)}
    training = Training("binary_cross_entropy", Adam(0.01), 30, 20)
    problems = findings(network, training, moons(), start)
    dead = next(f for f in problems if f.kind == "dead_units")
    assert dead.layer == "dense_1"
    assert dead.evidence == {"dead_fraction": 0.5, "units": 8.0}
    assert dead.message.startswith("50% of the units of dense_1 output 0 for every sample")
    assert dead.patch["network"]["layers"][0]["activation"] == "leaky_relu"


def test_a_rate_that_is_far_too_high_kills_relu_units() -> None:
    network = Network((2,), (Dense(16, "relu"), Dense(16, "relu"), Dense(1, "sigmoid")))
    problems = findings(network, Training("binary_cross_entropy", Adam(3.0), 50, 20), moons())
    # No gradient passes a dead layer, and that is not called vanishing.
    assert "dead_units" in kinds(problems)
    assert "vanishing_gradients" not in kinds(problems)


def test_large_inputs_saturate_tanh_and_scaling_is_suggested_for_both() -> None:
    data = moons()
    large = Data(1000.0 * data.train_inputs, data.train_targets)
    network = Network((2,), (Dense(8, "tanh"), Dense(1, "sigmoid")))
    training = Training("binary_cross_entropy", Adam(0.01), 100, 20)
    problems = findings(network, training, large)
    assert {"unscaled_inputs", "saturated_units"} <= set(kinds(problems))
    for finding in problems[:2]:
        assert finding.patch == {"dataset": {"scaling": "standard"}}
    assert "saturated_units" not in kinds(findings(network, training, data))


def test_a_feature_that_is_large_is_named() -> None:
    inputs, labels = blobs(samples=100, noise=1.0, classes=3, features=3, rng=RNG(0))
    inputs[:, 1] *= 50.0
    network = Network((3,), (Dense(8, "relu"), Dense(3, "softmax")))
    training = Training("cross_entropy", Adam(0.01), 30, 20)
    problems = findings(network, training, Data(inputs, np.eye(3)[labels]))
    unscaled = next(f for f in problems if f.kind == "unscaled_inputs")
    assert unscaled.evidence["feature"] == 1.0
    assert unscaled.message.startswith("Input feature 1 has a root mean square of ")


@pytest.mark.parametrize(("rate", "lower"), [(20.0, 0.1), (1e6, 0.1)])
def test_a_rate_that_is_too_high_is_to_be_lowered_to_one_that_is_usual(
    rate: float, lower: float
) -> None:
    network = Network((2,), (Dense(8, "tanh"), Dense(8, "tanh"), Dense(1, "sigmoid")))
    problems = findings(network, Training("binary_cross_entropy", Sgd(rate), 60, 10), moons())
    high = next(f for f in problems if f.kind == "learning_rate_too_high")
    assert high.message.endswith(f": the learning rate {rate:g} is too high.")
    assert high.suggestion == f"Lower the learning rate from {rate:g} to {lower:g}."
    assert high.patch == {"optimizer": {"learning_rate": lower}}


@pytest.mark.parametrize(("rate", "factor"), [(1e-5, 10.0), (1e-3, 3.0)])
def test_a_rate_that_is_too_low_is_to_be_raised_the_more_the_less_happened(
    rate: float, factor: float
) -> None:
    inputs, labels = circles(samples=200, noise=0.05, rng=RNG(0))
    network = Network((2,), (Dense(8, "tanh"), Dense(8, "tanh"), Dense(1, "sigmoid")))
    training = Training("binary_cross_entropy", Adam(rate), 40, 10)
    problems = findings(network, training, Data(inputs, labels[:, None].astype(float)))
    assert kinds(problems) == ["learning_rate_too_low"]
    assert problems[0].message.endswith(f": the learning rate {rate:g} is too low.")
    assert problems[0].patch["optimizer"]["learning_rate"] == pytest.approx(factor * rate)


def noisy() -> Data:
    """A few points whose labels are half chance: there is nothing but noise to memorize."""
    rng = RNG(0)
    inputs = rng.normal(size=(60, 8))
    targets = (inputs[:, :1] + 2.0 * rng.normal(size=(60, 1)) > 0).astype(float)
    return split(inputs, targets, 0.3, rng=rng)


def test_a_large_network_on_a_few_noisy_points_overfits() -> None:
    network = Network((8,), (Dense(64, "relu"), Dense(1, "sigmoid")))
    training = Training("binary_cross_entropy", Adam(0.01), 100, 10)
    problems = findings(network, training, noisy())
    (finding,) = problems
    assert finding.kind == "overfitting"
    assert finding.evidence["last_validation_loss"] > finding.evidence["best_validation_loss"]
    assert finding.patch == {"early_stopping": {"patience": 10}}
    stopped = replace(training, early_stopping=EarlyStopping(80))
    problems = findings(network, stopped, noisy())
    assert [f.patch for f in problems] == [{"regularization": {"l2": 0.001}}]
    cured = replace(training, early_stopping=EarlyStopping(2))
    assert "overfitting" not in kinds(findings(network, cured, noisy()))


@pytest.mark.parametrize(
    ("activation", "scale", "is_reported"),
    [("relu", 1.0, True), ("tanh", 2.0, True), ("tanh", 0.9, False), ("linear", 2.0, False)],
)
def test_targets_that_the_output_cannot_reach_are_reported(
    activation: str, scale: float, is_reported: bool
) -> None:
    inputs, targets = sine(samples=50, noise=0.0, rng=RNG(0))
    network = Network((1,), (Dense(8, "tanh"), Dense(1, activation)))
    data = Data(inputs, scale * targets)
    problems = findings(network, Training("mse", Adam(0.05), 100, 10), data)
    unfit = [f for f in problems if f.kind == "output_activation"]
    assert bool(unfit) == is_reported
    for finding in unfit:
        assert finding.layer == "dense_2"
        assert finding.patch["network"]["layers"][1]["activation"] == "linear"


def test_a_run_that_became_non_finite_at_once_can_still_be_diagnosed() -> None:
    network = Network((2,), (Dense(4, "relu"), Dense(1)))
    problems = findings(network, Training("mse", Sgd(1e12), 5), moons())
    assert "learning_rate_too_high" in kinds(problems)


def test_a_healthy_run_has_no_findings() -> None:
    network = Network((2,), (Dense(8, "tanh"), Dense(8, "tanh"), Dense(1, "sigmoid")))
    inputs, labels = two_moons(samples=300, noise=0.1, rng=RNG(1))
    data = split(inputs, labels[:, None].astype(float), 0.2, rng=RNG(2))
    training = Training("binary_cross_entropy", Adam(0.01), 60, 20)
    assert findings(network, training, data) == []
