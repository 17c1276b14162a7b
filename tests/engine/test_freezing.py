"""Training leaves every bit of a frozen layer as it is, and the others learn as they would."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engine.test_layers import gradient_of
from tests.engine.test_walk import frozen_layers, trainings
from tests.examples import examples

from epochal_engine import (
    OPTIMIZERS,
    Adam,
    AdamW,
    BatchNorm,
    Data,
    Dense,
    Dropout,
    Momentum,
    Network,
    Residual,
    Run,
    Sgd,
    Sweep,
    Training,
    predict,
)
from epochal_engine.insight.memory import memory
from epochal_engine.insight.work import work
from epochal_engine.symbolic.trace import Array
from epochal_engine.training import Gradient, record_shapes

NETWORK = Network((3,), (Dense(6, "tanh"), Dense(5, "tanh"), Dense(4, "tanh"), Dense(2)))
RNG = np.random.default_rng(0)
DATA = Data(*(RNG.normal(size=(n, k)) for n, k in ((20, 3), (20, 2), (7, 3), (7, 2))))
TRAINING = Training("mse", Adam(0.02), epochs=12, batch_size=8, seed=3)


def trained(run: Run) -> Run:
    for _ in run:
        pass
    return run


def bits(weights: dict[str, Array]) -> dict[str, bytes]:
    return {name: array.tobytes() for name, array in weights.items()}


@settings(max_examples=examples(100))
@given(trainings(), st.data())
def test_no_training_changes_a_bit_of_a_frozen_layer(
    case: tuple[Network, Training, Data], data: st.DataObject
) -> None:
    network, training, samples = case
    network = replace(network, frozen=())
    frozen = replace(network, frozen=data.draw(frozen_layers(network)))
    training = replace(training, epochs=2)
    before = Run(frozen, training, samples).weights()
    assert bits(before) == bits(Run(network, training, samples).weights())
    after = trained(Run(frozen, training, samples)).weights()
    for name in frozen.parameters:
        if frozen.is_frozen(name):
            assert after[name].tobytes() == before[name].tobytes(), name


@pytest.mark.parametrize("optimizer", [o for o in OPTIMIZERS if o != "perceptron"])
def test_decay_penalties_and_clipping_leave_a_frozen_layer_alone(optimizer: str) -> None:
    kind = OPTIMIZERS[optimizer]
    options = {"weight_decay": 0.5} if hasattr(kind, "weight_decay") else {}
    rule = kind(learning_rate=0.02, **options)
    training = replace(TRAINING, optimizer=rule, l1=0.1, l2=0.1, clip_norm=0.5, clip_value=0.1)
    run = Run(replace(NETWORK, frozen=("dense_1", "dense_3")), training, DATA)
    before = bits(run.weights())
    after = bits(trained(run).weights())
    assert {name for name in before if after[name] != before[name]} == {
        *(f"dense_{k}.{part}" for k in (2, 4) for part in ("weight", "bias"))
    }


def test_the_gradient_of_the_others_is_what_it_was() -> None:
    rng = np.random.default_rng(1)
    weights = {name: rng.normal(size=shape) for name, shape in NETWORK.parameters.items()}
    inputs, targets = rng.normal(size=(5, 3)), rng.normal(size=(5, 2))
    _, all_of_them = gradient_of(NETWORK, dict(weights), inputs, targets)
    for frozen in (("dense_1",), ("dense_2",), ("dense_1", "dense_4"), ("dense_4",)):
        _, some = gradient_of(replace(NETWORK, frozen=frozen), dict(weights), inputs, targets)
        assert some.keys() == {n for n in all_of_them if n.partition(".")[0] not in frozen}
        for name, gradient in some.items():
            np.testing.assert_allclose(gradient, all_of_them[name], rtol=1e-12, err_msg=name)


def products(network: Network) -> int:
    """Count the matrix products of a step."""
    order = Gradient(network, "mse", 20, "float32").plan.order
    return sum(y.primitive is not None and y.primitive.name == "dot" for y in order)


def test_a_step_computes_nothing_for_the_gradient_of_a_frozen_layer_alone() -> None:
    # Forward 4; backward 4 for the weights, and 3 to pass the gradient on.
    assert products(NETWORK) == 11
    assert products(replace(NETWORK, frozen=("dense_3",))) == 10
    assert products(replace(NETWORK, frozen=("dense_1",))) == 9
    assert products(replace(NETWORK, frozen=("dense_1", "dense_2", "dense_3"))) == 5


def test_a_frozen_layer_has_no_gradient_and_no_moments() -> None:
    network = replace(NETWORK, frozen=("dense_1", "dense_2", "dense_3"))
    shapes = record_shapes(network, TRAINING, DATA)
    assert shapes["parameters"] == (NETWORK.size,)
    assert (shapes["moments"], shapes["gradient"], shapes["step"]) == ((2, 10), (10,), (10,))
    run = trained(Run(network, TRAINING, DATA))
    assert run.state().arrays["moments"].shape == (2, 10)
    (block,) = run.take()
    assert block.gradients is not None
    assert block.gradients.layers == ("dense_4",)
    assert memory(network, TRAINING, 20).total < memory(NETWORK, TRAINING, 20).total
    assert work(network, TRAINING, 20).calls < work(NETWORK, TRAINING, 20).calls


def test_a_frozen_batch_norm_uses_and_keeps_its_running_statistics() -> None:
    layers = (Dense(6, "tanh"), BatchNorm(), Dense(2))
    run = trained(Run(Network((3,), layers), TRAINING, DATA))
    state = run.state()
    weights = run.weights()
    frozen = Network((3,), layers, frozen=("dense_1", "batch_norm_2"))
    # One step on all samples: the loss in training equals the loss of the predictions.
    training = replace(TRAINING, epochs=1, batch_size=None)
    start = Run(frozen, training, DATA).state()
    arrays = {**start.arrays, **{name: state.arrays[name] for name in weights}}
    run = trained(Run(frozen, training, DATA, replace(start, arrays=arrays)))
    (block,) = run.take()
    predictions = predict(frozen, weights, DATA.train_inputs)
    expected = np.square(predictions - DATA.train_targets).mean()
    assert block.columns["train_loss"][0] == pytest.approx(expected, rel=1e-6)
    changed = {n for n, array in run.weights().items() if not np.array_equal(array, weights[n])}
    assert changed == {"dense_3.weight", "dense_3.bias"}


def test_dropout_of_a_frozen_layer_stays() -> None:
    layers = (Dense(6, "tanh"), Residual((Dense(6), Dropout(0.5))), Dense(2))
    losses = []
    for rate in (0.5, 0.0):
        layers = (layers[0], Residual((Dense(6), Dropout(rate))), layers[2])
        network = Network((3,), layers, frozen=("dense_1", "residual_2"))
        (block,) = trained(Run(network, TRAINING, DATA)).take()
        losses.append(block.columns["train_loss"][0])
    assert losses[0] != losses[1]


@pytest.mark.parametrize("optimizer", [Momentum(0.05), AdamW(0.02, weight_decay=0.3)])
def test_a_run_with_frozen_layers_continues_with_equal_bits(optimizer: Momentum | AdamW) -> None:
    network = replace(NETWORK, frozen=("dense_2", "dense_4"))
    training = replace(TRAINING, optimizer=optimizer)
    expected = bits(trained(Run(network, training, DATA)).weights())
    run = Run(network, training, DATA)
    next(epoch for epoch in run if epoch == 5)
    assert bits(trained(Run(network, training, DATA, run.state())).weights()) == expected


@pytest.mark.parametrize("optimizer", [Sgd, AdamW])
def test_members_of_a_sweep_train_as_runs_with_frozen_layers_do(optimizer: type[AdamW]) -> None:
    network = replace(NETWORK, frozen=("dense_1", "dense_3"))
    trainings_ = [
        replace(TRAINING, optimizer=optimizer(rate), seed=seed, l2=0.1, gradients_every=0)
        for rate, seed in ((0.01, 1), (0.05, 2), (0.002, 2))
    ]
    sweep = Sweep(network, trainings_, DATA)
    middle = Sweep(network, trainings_, DATA)
    next(epoch for epoch in middle if epoch == 5)
    resumed = Sweep(network, trainings_, DATA, middle.state())
    for both in (sweep, resumed):
        for _ in both:
            pass
    for member, training in enumerate(trainings_):
        run = Run(network, training, DATA)
        before = run.weights()
        after = trained(run).weights()
        weights = sweep.weights(member)
        assert bits(resumed.weights(member)) == bits(weights)
        for name in network.parameters:
            if network.is_frozen(name):
                assert weights[name].tobytes() == before[name].tobytes()
            else:
                np.testing.assert_allclose(weights[name], after[name], rtol=2e-4, atol=1e-6)


def test_members_need_the_same_frozen_layers() -> None:
    networks = [NETWORK, replace(NETWORK, frozen=("dense_1",))]
    with pytest.raises(ValueError, match="differ only in their initial weights"):
        Sweep(networks, [TRAINING, TRAINING], DATA)


def test_a_divergence_with_frozen_layers_names_a_layer() -> None:
    network = replace(NETWORK, frozen=("dense_1", "dense_2", "dense_3"))
    run = trained(Run(network, replace(TRAINING, optimizer=Sgd(1e12), epochs=50), DATA))
    assert run.outcome is not None
    assert run.outcome.divergence is not None
    assert run.outcome.divergence.layer == "dense_4"


def test_names_of_frozen_layers_are_checked_and_put_in_order() -> None:
    assert replace(NETWORK, frozen=("dense_3", "dense_1")).frozen == ("dense_1", "dense_3")
    with pytest.raises(ValueError, match="there is no layer named 'dense_9'"):
        replace(NETWORK, frozen=("dense_9",))
    with pytest.raises(ValueError, match="not frozen"):
        replace(NETWORK, frozen=NETWORK.names)


def test_what_is_frozen_comes_last_and_is_counted_apart() -> None:
    network = Network((3,), (Dense(4), BatchNorm(), Dense(2)), ("dense_1", "batch_norm_2"))
    assert list(network.parameters) == [
        *("dense_3.weight", "dense_3.bias"),
        *("dense_1.weight", "dense_1.bias"),
        *("batch_norm_2.mean", "batch_norm_2.variance"),
        *("batch_norm_2.scale", "batch_norm_2.shift"),
    ]
    assert network.learned == ("dense_3.weight", "dense_3.bias")
    assert (network.learned_size, network.changing_size) == (10, 10)
    assert network.size == sum(map(math.prod, network.parameters.values())) == 42
